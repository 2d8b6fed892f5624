# SPDX-License-Identifier: Apache-2.0
"""The whole system at work for a while: nothing in it grows.

``COINFER_SOAK_S`` says for how long (60). The longer, the finer: what may stay is counted by the
answer, so that two hours allow 21 000 answers 90 MiB, where an image kept of each would be 6 GiB.
"""

from __future__ import annotations

import os
import time

import pytest

from bench.hosts.outcome import OK, outcome
from bench.hosts.resources import held
from coinfer_ros.parameters import ControllerSettings

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SECONDS = float(os.environ.get("COINFER_SOAK_S", "60"))
SAMPLE_S = 0.5
# Shares of the run: to become warm, and to look at its beginning and at its end.
WARM, LOOK = 0.2, 0.15
# The least that a leak would keep of an answer: its embedding. Images are seventy times as large.
EMBEDDING_BYTES = 17 * 128 * 2
# What Python's allocator takes and gives back at once (CPython, ARENA_BITS).
ARENA_BYTES = 2**20
# A thread or a file that every answer left behind would be hundreds; a few come once, with a peer.
MOST_MORE = 2


@pytest.fixture
def steady(system):
    """The system at one bit-width: another width's weights come and go, which is no leak."""
    system.set("controller", quant__min_bits=16)
    system.ear.first(
        "answer", lambda a: a.weight_bits == 16, since_s=time.monotonic(), timeout_s=30
    )
    yield system
    system.set("controller", quant__min_bits=ControllerSettings().min_bits)


def greatest(samples, name):
    """Return the most that each process held."""
    return {node: max(getattr(s[node], name) for s in samples) for node in samples[0]}


def test_no_process_keeps_memory_threads_or_files(steady):
    nodes = (*steady.names["robot"], *steady.names["edge"], "recorder")
    pids = {name: steady.pid(name) for name in nodes}
    begun_s, samples = time.monotonic(), []
    while (now_s := time.monotonic()) < begun_s + SECONDS:
        samples.append((now_s - begun_s, {name: held(pid) for name, pid in pids.items()}))
        time.sleep(SAMPLE_S)
    first = [s for at_s, s in samples if 0.0 <= at_s - WARM * SECONDS < LOOK * SECONDS]
    last = [s for at_s, s in samples if at_s >= (1.0 - LOOK) * SECONDS]
    answers = steady.ear.all("answer", since_s=begun_s + WARM * SECONDS)
    before, after = greatest(first, "own_bytes"), greatest(last, "own_bytes")
    grown = {name: after[name] - before[name] for name in nodes}
    print(f"{len(answers)} answers; grown by bytes: {grown}")
    assert outcome(answers, SECONDS, 0.35).lost == 0
    assert {answer.message.status for answer in answers} == {OK}
    most = ARENA_BYTES + len(answers) * EMBEDDING_BYTES
    assert {name: more for name, more in grown.items() if more > most} == {}
    for what in ("threads", "files"):
        before, after = greatest(first, what), greatest(last, what)
        assert {name: n for name, n in after.items() if n > before[name] + MOST_MORE} == {}
