# SPDX-License-Identifier: Apache-2.0
"""Ten thousand messages that break rules: each is refused, and nobody else feels it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from bench.hosts.outcome import await_whole, outcome
from bench.hosts.resources import held
from coinfer_ros.parameters import ControllerSettings

from .waiting import START_S

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SEED, COUNT = 1, 10_000
BUDGET_S = ControllerSettings().delay_s
# An edge's reader keeps 16 messages and one that is being read, DDS never gives back what the
# largest took, and Python has it three times while it looks: as a message, as bytes, as a number.
MOST_LARGE = 16 + 1 + 3
# Readers keep the newest: where the machine is busy, some are replaced before they are read, the
# real ones among them.
MOST, SOME = 0.9, 0.5
# The narrowest weights whose captions of this scene are true.
TRUE_BITS = 8


def counts(system, node, since_s):
    """Return what a node has counted, by its first diagnostics from now on."""
    told = system.ear.first("diagnostics", lambda d: d.name == node, since_s=since_s, timeout_s=10)
    return told.message


def test_messages_that_break_rules_harm_nobody(system, scene):
    victims = ("edge", "controller", "robot")
    begun_s = time.monotonic()
    counted = {name: counts(system, f"/{name}", begun_s) for name in victims}
    pids = {name: system.pid(name) for name in victims}
    before = {name: held(pid).own_bytes for name, pid in pids.items()}
    program = str(Path(__file__).with_name("wild.py"))
    said = json.loads(system.run("robot", sys.executable, program, str(SEED), str(COUNT)))
    ended_s = time.monotonic()
    grown = {name: held(pid).own_bytes - before[name] for name, pid in pids.items()}
    again = await_whole(system, since_s=ended_s, timeout_s=START_S)
    now = {name: counts(system, f"/{name}", ended_s) for name in victims}
    print(f"{said} in {ended_s - begun_s:.1f} s; grown by bytes: {grown}")
    assert not system.ended()
    # They did arrive.
    assert sum(said[what] for what in ("Embedding", "Trace", "Answer", "torn")) == COUNT
    assert said["refused"] >= MOST * said["Embedding"]
    traces = int(now["controller"].traces_refused) - int(counted["controller"].traces_refused)
    assert traces >= SOME * said["Trace"]
    assert all(more <= MOST_LARGE * said["large_bytes"] for more in grown.values())
    # Meanwhile and after it, the robot was answered as ever.
    answers = system.ear.all("answer", since_s=begun_s)
    found = outcome(answers, ended_s - begun_s, BUDGET_S)
    assert found.lost == 0
    assert found.ok + found.late == found.ended
    assert found.ok >= MOST * found.ended
    wide = {a.message.text for a in answers if a.message.weight_bits >= TRUE_BITS}
    assert wide
    assert wide <= set(scene.captions)
    assert again.message.text
