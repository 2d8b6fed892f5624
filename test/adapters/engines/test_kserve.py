# SPDX-License-Identifier: Apache-2.0
"""What a served tail says is what the tail says, and what it is asked arrives to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coinfer_ros.adapters.engines import open_engine
from coinfer_ros.core.errors import InvalidInput

from .conftest import digest
from .stand_in import MODEL, TRITON, StandIn

SHIPPED = Path(__file__).parents[3] / "models" / "git-scenes"
GENEROUS_S = 20.0
EMBEDDING = np.arange(12, dtype=np.float32).reshape(3, 4)


def opened(engine: StandIn, info, timeout_s: float = GENEROUS_S):
    return open_engine(engine.url, info, timeout_s=timeout_s)


def without_binary(engine: StandIn) -> None:
    engine.documents["/v2"]["extensions"] = [e for e in TRITON if e != "binary_tensor_data"]
    engine.binary = False


@pytest.fixture(scope="module")
def shipped():
    from coinfer_ros.adapters import models

    tail = models.open_tail(SHIPPED, device="cpu")
    assert tail.info == models.describe(SHIPPED)
    engine = StandIn(tail.info, tail.answer)
    yield engine, tail
    engine.stop()


@pytest.mark.slow
@pytest.mark.parametrize("binary", [True, False])
def test_text_through_the_engine_is_text_without(shipped, binary):
    engine, tail = shipped
    engine.documents["/v2"]["extensions"] = [*TRITON]
    engine.binary = True
    if not binary:
        without_binary(engine)
    served = opened(engine, tail.info)
    rng = np.random.default_rng(3)
    embeddings = list(rng.standard_normal((3, *tail.info.embedding_shape)).astype(np.float32))
    prompts = ["", "a red", "a"]
    alone = [tail.answer(*pair) for pair in zip(embeddings, prompts, strict=True)]
    assert len({answer.text for answer in alone}) > 1
    assert served.answer_many(embeddings, prompts) == alone
    assert served.answer_many(embeddings, "a") == tail.answer_many(embeddings, "a")
    assert [served.answer(*pair) for pair in zip(embeddings, prompts, strict=True)] == alone


@pytest.mark.slow
def test_what_the_tail_refuses_is_refused_with_its_words(shipped):
    engine, tail = shipped
    embedding = np.zeros(tail.info.embedding_shape, np.float32)
    with pytest.raises(InvalidInput, match=r"HTTP status 400: prompt must have at most \d+ tokens"):
        opened(engine, tail.info).answer(embedding, "red " * 2000)


@pytest.fixture(scope="module", params=["binary", "JSON"])
def either_way(info, request):
    engine = StandIn(info, digest)
    if request.param == "JSON":
        without_binary(engine)
    yield opened(engine, info)
    engine.stop()


@settings(max_examples=60)
@given(
    embedding=arrays.arrays(
        np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
    ),
    prompt=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_every_bit_of_an_embedding_and_a_prompt_arrives(either_way, embedding, prompt):
    assert either_way.answer(embedding, prompt) == digest(embedding, prompt)
    turned = np.asfortranarray(embedding)
    assert either_way.answer(turned, prompt) == digest(embedding, prompt)


@pytest.mark.parametrize(("count", "requests"), [(0, 0), (1, 1), (8, 1), (9, 2), (17, 3)])
def test_embeddings_go_in_as_few_requests_as_the_engine_s_limit_allows(
    engine, info, count, requests
):
    served = opened(engine, info)
    embeddings = [EMBEDDING + n for n in range(count)]
    prompts = ["é" * n for n in range(count)]
    expected = [digest(*pair) for pair in zip(embeddings, prompts, strict=True)]
    assert served.answer_many(embeddings, prompts) == expected
    assert engine.asked.count(f"{MODEL}/infer") == requests
    assert served.answer_many(embeddings, "a") == [digest(one, "a") for one in embeddings]


def test_the_backend_says_who_executes_it(engine, info):
    assert opened(engine, info).backend == f"triton tail at 127.0.0.1:{engine.port}"


def test_requests_share_one_connection(engine, info):
    served = opened(engine, info)
    served.warm_up()
    served.answer_many([EMBEDDING, EMBEDDING], ["a", "b"])
    assert engine.connections == 1
    assert engine.asked.count(f"{MODEL}/infer") == 2


@pytest.mark.parametrize(
    ("embeddings", "prompts", "rule"),
    [
        ([EMBEDDING.T], [""], r"embedding must be finite float32 of shape \(3, 4\), got .*4, 3"),
        ([EMBEDDING.astype(np.float64)], [""], "got float64"),
        ([EMBEDDING * np.float32(np.nan)], [""], "got a NaN or infinity"),
        ([EMBEDDING.tolist()], [""], "got list"),
        ([EMBEDDING], [b"a"], "prompt must be text, got bytes"),
        ([EMBEDDING], ["\ud800"], "prompt must be sound Unicode"),
        ([EMBEDDING], ["a", "b"], "prompt must be one, or 1 as embeddings, got 2"),
    ],
)
def test_a_bad_argument_is_refused_before_anything_is_sent(engine, info, embeddings, prompts, rule):
    served = opened(engine, info)
    with pytest.raises(InvalidInput, match=rule):
        served.answer_many(embeddings, prompts)
    assert not any(path.endswith("/infer") for path in engine.asked)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("nan"), 1e9])
def test_a_timeout_that_is_none_is_refused(engine, info, timeout_s):
    with pytest.raises(InvalidInput, match=r"engine\.timeout_s must be in"):
        opened(engine, info, timeout_s)
