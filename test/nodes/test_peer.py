# SPDX-License-Identifier: Apache-2.0
"""Two processes measure how soon they find each other, and a third lists who is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import coinfer_ros

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.nodes import peer

pytestmark = pytest.mark.ros


def _start(role: str, timeout_s: float) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", peer.__name__, role, "--timeout-s", str(timeout_s)],
        cwd=Path(coinfer_ros.__file__).parent.parent,
        env={**os.environ},  # the domain is that of these tests alone
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _answer(process: subprocess.Popen[str]) -> dict:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    (line,) = out.splitlines()
    return json.loads(line)


@pytest.mark.slow
def test_two_twins_hear_each_other_and_say_when() -> None:
    for answer in map(_answer, [_start("first", 20.0), _start("second", 20.0)]):
        assert answer["rmw"]
        assert 0.0 < answer["matched_s"] < 20.0
        assert 0.0 < answer["first_message_s"] < 20.0


def test_a_twin_that_is_alone_ends_in_time_and_says_so() -> None:
    answer = _answer(_start("first", 0.5))
    assert (answer["matched_s"], answer["first_message_s"]) == (None, None)


@pytest.mark.slow
def test_who_is_there_is_listed_without_the_one_that_looks(graph) -> None:
    from rclpy.node import Node

    node = Node("somebody", namespace="/arm")
    graph.executor.add_node(node)
    looking = _start("look", 2.0)
    graph.until(lambda: looking.poll() is not None)
    assert "/arm/somebody" in _answer(looking)["nodes"]
    graph.executor.remove_node(node)
    node.destroy_node()


@pytest.mark.parametrize("arguments", [["third"], ["first", "--timeout-s", "nan"], []])
def test_bad_input_is_refused(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        peer.main(arguments)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err
