# SPDX-License-Identifier: Apache-2.0
"""An engine that is down, slow, restarted or another fails one request and no more."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from coinfer_ros.adapters.engines import open_engine
from coinfer_ros.core.errors import CoinferError, InvalidInput, PeerTimeout, Unavailable
from coinfer_ros.core.model import Generated

from .conftest import digest
from .stand_in import MODEL, StandIn

GENEROUS_S = 20.0
EMBEDDING = np.arange(12, dtype=np.float32).reshape(3, 4)


def opened(engine: StandIn, info, timeout_s: float = GENEROUS_S):
    return open_engine(engine.url, info, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidInput),
        (404, Unavailable),
        (408, PeerTimeout),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_failure_of_the_engine_keeps_its_words_on_one_line(engine, info, status, error):
    served = opened(engine, info)
    proper, engine.infer = engine.infer, lambda *_: (status, {}, b'{"error": "no\\nroom\\u0007"}')
    with pytest.raises(error, match=rf"HTTP status {status}: no room"):
        served.answer(EMBEDDING, "")
    engine.infer = proper
    assert served.answer(EMBEDDING, "") == digest(EMBEDDING, "")


def test_an_engine_that_is_down_fails_one_request_and_serves_again_when_it_is_back(engine, info):
    served = opened(engine, info)
    engine.stop()
    with pytest.raises(Unavailable, match=r"engine\.url must lead to an engine that answers"):
        served.answer(EMBEDDING, "")
    engine.start()
    assert served.answer(EMBEDDING, "") == digest(EMBEDDING, "")


@pytest.mark.parametrize("silent", ["restarted", "tired"])
def test_a_connection_that_ended_between_two_requests_is_not_noticed(engine, info, silent):
    served = opened(engine, info)
    assert served.answer(EMBEDDING, "a") == digest(EMBEDDING, "a")
    if silent == "restarted":
        engine.stop()
        engine.start()
    else:
        engine.drop_connections()
    assert served.answer(EMBEDDING, "b") == digest(EMBEDDING, "b")
    assert engine.connections == 2


def test_another_model_after_a_restart_is_refused(engine, info):
    served = opened(engine, info)
    engine.stop()
    config = engine.documents[f"{MODEL}/config"]
    config["parameters"]["fingerprint"]["string_value"] = "cd" * 32
    engine.start()
    for _ in range(3):
        with pytest.raises(
            InvalidInput, match=f"fingerprint must be {'ab' * 32}, got '{'cd' * 32}"
        ):
            served.answer(EMBEDDING, "")
    assert not any(path.endswith("/infer") for path in engine.asked)
    config["parameters"]["fingerprint"]["string_value"] = "ab" * 32
    assert served.answer(EMBEDDING, "") == digest(EMBEDDING, "")


def test_an_engine_that_hangs_up_on_every_question_is_asked_twice_and_no_more(engine, info):
    served = opened(engine, info)
    engine.send = lambda _: []
    with pytest.raises(Unavailable, match="it closed the connection"):
        served.answer(EMBEDDING, "")
    assert engine.asked.count(f"{MODEL}/infer") == 2
    engine.send = None
    assert served.answer(EMBEDDING, "") == digest(EMBEDDING, "")


def test_an_engine_that_keeps_no_connection_serves_too(engine, info):
    engine.stop()
    engine.protocol = "HTTP/1.0"
    engine.start()
    served = opened(engine, info)
    assert served.answer(EMBEDDING, "a") == digest(EMBEDDING, "a")
    assert served.answer(EMBEDDING, "b") == digest(EMBEDDING, "b")


def test_a_slow_engine_fails_one_request_in_time(engine, info):
    served = opened(engine, info, timeout_s=0.3)
    held = threading.Event()

    def late(response: bytes):
        held.wait(GENEROUS_S)
        yield response

    engine.send = late
    with pytest.raises(PeerTimeout, match=r"within engine\.timeout_s = 0\.3 s, and did not"):
        served.answer(EMBEDDING, "a")
    engine.send = None
    assert served.answer(EMBEDDING, "b") == digest(EMBEDDING, "b")
    held.set()


def test_an_engine_that_sends_byte_after_byte_has_no_more_time_than_others(engine, info):
    served = opened(engine, info, timeout_s=0.3)
    gone = threading.Event()

    def dripping(response: bytes):
        for place in range(len(response)):  # each byte in time, all of them in ten seconds
            if gone.wait(0.03):
                return
            yield response[place : place + 1]

    engine.send = dripping
    with pytest.raises(PeerTimeout):
        served.answer(EMBEDDING, "")
    gone.set()


def test_two_threads_get_each_its_own_answer(engine, info):
    served = opened(engine, info)
    found: dict[str, list[Generated]] = {}

    def ask(prompt: str) -> None:
        found[prompt] = [served.answer(EMBEDDING, prompt) for _ in range(20)]

    threads = [threading.Thread(target=ask, args=(prompt,)) for prompt in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {prompt: [digest(EMBEDDING, prompt)] * 20 for prompt in "abc"}


def test_nobody_there_is_unavailable(engine, info):
    engine.stop()
    with pytest.raises(Unavailable, match=r"got 127\.0\.0\.1:\d+: ConnectionRefusedError"):
        opened(engine, info)
    engine.start()


def test_a_host_that_is_no_name_is_unavailable(info):
    with pytest.raises(CoinferError, match=r"engine\.url must lead to an engine that answers"):
        open_engine("kserve://a..b:8000/tail", info, timeout_s=GENEROUS_S)
