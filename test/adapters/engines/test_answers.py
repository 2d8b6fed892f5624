# SPDX-License-Identifier: Apache-2.0
"""A reply that breaks the protocol, in any byte, is refused, and the next one is read afresh."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.adapters.engines import open_engine
from coinfer_ros.adapters.engines.answers import decode_answers
from coinfer_ros.adapters.engines.link import Reply
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import Generated

from .conftest import digest

EMBEDDING = np.ones((3, 4), np.float32)


def edited(**changes):
    """Replace what the document says of an output: ``text__shape=...``, or at its top."""

    def edit(document):
        for name, value in changes.items():
            output, _, key = name.rpartition("__")
            place = {o["name"]: o for o in document["outputs"]}[output] if output else document
            place[key] = value

    return edit


@pytest.fixture
def served(engine, info):
    return open_engine(engine.url, info, timeout_s=20.0)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"id": "0"}, "id in the engine's answer must be '1', as asked, got '0'"),
        ({"outputs": None}, "outputs in the engine's answer must be a list"),
        ({"outputs": []}, "outputs in the engine's answer must be text and tokens to the last"),
        ({"outputs": [1]}, "must be text and tokens, once each, got None"),
        ({"text__name": "tokens"}, "must be text and tokens, once each, got 'tokens'"),
        ({"text__name": ["text"]}, "must be text and tokens, once each"),
        (
            {"text__datatype": "FP32"},
            r"text in .* must be BYTES \[1, 1\], got \('FP32', \[1, 1\]\)",
        ),
        ({"text__shape": [1]}, r"text in .* must be BYTES \[1, 1\]"),
        ({"text__shape": [2, 1]}, r"text in .* must be BYTES \[1, 1\]"),
        ({"text__shape": None}, r"text in .* must be BYTES \[1, 1\]"),
        ({"tokens__datatype": "INT64"}, r"tokens in .* must be INT32 \[1, 1\]"),
        ({"tokens__shape": [1, 2]}, r"tokens in .* must be INT32 \[1, 1\]"),
    ],
)
def test_an_answer_that_says_something_else_is_refused(engine, served, binary, changes, rule):
    proper = engine.edit
    engine.binary, engine.edit = binary, edited(**changes)
    with pytest.raises(InvalidInput, match=rule):
        served.answer(EMBEDDING, "")
    engine.edit = proper
    assert served.answer(EMBEDDING, "a") == digest(EMBEDDING, "a")
    assert engine.connections == 1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"text__data": None}, "text in .* must have data of 1 values, got None"),
        ({"text__data": []}, "text in .* must have data of 1 values"),
        ({"text__data": [["a", "b"]]}, "text in .* must be sound text"),
        ({"text__data": [7]}, r"text in .* must be sound text, got \[7\]"),
        ({"text__data": ["\ud800"]}, "text in .* must be sound text"),
        ({"tokens__data": [-1]}, r"tokens in .* must be whole numbers from 0 to 65535, got \[-1\]"),
        ({"tokens__data": [65536]}, "tokens in .* must be whole numbers from 0 to 65535"),
        ({"tokens__data": [True]}, "tokens in .* must be whole numbers from 0 to 65535"),
        ({"tokens__data": [1.0]}, "tokens in .* must be whole numbers from 0 to 65535"),
        ({"tokens__data": [[1]] * 2}, "tokens in .* must have data of 1 values"),
    ],
)
def test_values_in_json_that_are_no_answer_are_refused(engine, served, changes, rule):
    engine.binary, engine.edit = False, edited(**changes)
    with pytest.raises(InvalidInput, match=rule):
        served.answer(EMBEDDING, "")


@pytest.mark.parametrize("size", [-1, 10**30, 1.5, "4", True])
@pytest.mark.parametrize("output", ["text", "tokens"])
def test_a_size_that_is_none_is_refused(engine, served, output, size):
    engine.edit = edited(**{f"{output}__parameters": {"binary_data_size": size}})
    with pytest.raises(InvalidInput, match=f"binary_data_size of {output} in .* be within [0-9]+"):
        served.answer(EMBEDDING, "")


@pytest.mark.parametrize("parameters", [{"binary_data_size": 3}, {}, None, [4]])
@pytest.mark.parametrize("output", ["text", "tokens"])
def test_a_size_that_does_not_add_up_is_refused(engine, served, output, parameters):
    engine.edit = edited(**{f"{output}__parameters": parameters})
    with pytest.raises(InvalidInput, match=r"(text|tokens|outputs) in the engine's answer must"):
        served.answer(EMBEDDING, "")


def reply(texts: bytes, tokens: bytes) -> Reply:
    outputs = [
        {
            "name": name,
            "datatype": kind,
            "shape": [2, 1],
            "parameters": {"binary_data_size": len(data)},
        }
        for name, kind, data in (("text", "BYTES", texts), ("tokens", "INT32", tokens))
    ]
    head = json.dumps({"outputs": outputs}).encode()
    return Reply(200, str(len(head)), head + texts + tokens)


TEXTS, TOKENS = b"\x02\0\0\0\xc3\xa9\0\0\0\0", b"\x01\0\0\0\0\0\0\0"


def decoded(found: Reply) -> list[Generated]:
    return decode_answers(found, request_id="1", count=2)


def test_texts_lie_behind_their_lengths():
    assert decoded(reply(TEXTS, TOKENS)) == [Generated("é", 1), Generated("", 0)]


@pytest.mark.parametrize(
    ("texts", "tokens", "rule"),
    [
        (TEXTS[:-1], TOKENS, "hold 2 texts in 9 bytes"),
        (TEXTS + b"\0", TOKENS, "have 10 bytes, got 11"),
        (b"\xff\xff\xff\xff" + TEXTS[4:], TOKENS, "hold 2 texts in 10 bytes"),
        (b"\x07" + TEXTS[1:], TOKENS, "hold 2 texts in 10 bytes"),
        (b"\x01\0\0\0\xc3\x01\0\0\0\xa9", TOKENS, "be UTF-8"),
        (b"", TOKENS, "hold 2 texts in 0 bytes"),
        (TEXTS, TOKENS[:-1], "have 8 bytes, got 7"),
        (TEXTS, TOKENS + b"\0", "have 8 bytes, got 9"),
        (TEXTS, b"\xff\xff\xff\xff" + TOKENS[4:], r"be whole numbers .* got \[-1, 0\]"),
    ],
)
def test_bytes_that_are_no_answer_are_refused(texts, tokens, rule):
    with pytest.raises(InvalidInput, match=rule):
        decoded(reply(texts, tokens))


def test_bytes_that_belong_to_no_output_are_refused():
    good = reply(TEXTS, TOKENS)
    with pytest.raises(InvalidInput, match=r"to the last byte, got .*1\)"):
        decoded(Reply(200, good.json_length, good.body + b"\0"))


GOOD = reply(TEXTS, TOKENS)


@given(
    place=st.integers(0, len(GOOD.body) - 1),
    byte=st.integers(0, 255),
    length=st.one_of(st.none(), st.text(max_size=4), st.integers(0, 400).map(str)),
)
def test_a_changed_reply_is_read_or_refused_and_nothing_else(place, byte, length):
    body = bytearray(GOOD.body)
    body[place] = byte
    for changed in (Reply(200, GOOD.json_length, bytes(body)), Reply(200, length, GOOD.body)):
        try:
            answers = decoded(changed)
        except CoinferError:
            continue
        assert len(answers) == 2
        assert all(answer.text.encode() is not None for answer in answers)


def test_a_document_nested_to_the_parser_s_limit_is_refused():
    for depth in range(800, 1001):
        body = b'{"outputs": [' + b"[" * depth + b"]" * depth + b"]}"
        with pytest.raises(InvalidInput):
            decoded(Reply(200, None, body))
