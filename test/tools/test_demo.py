# SPDX-License-Identifier: Apache-2.0
"""The demo as a newcomer runs it: processes, live lines, a report, and an honest exit status."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from coinfer_ros.tools.cli import main

pytestmark = [pytest.mark.ros, pytest.mark.slow]
pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

ENVIRONMENT = {**os.environ, "ROS_DOMAIN_ID": str(1 + os.getpid() % 100)}


def demo(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "coinfer_ros.tools.cli", "demo", "--out", str(folder), *arguments],
        cwd=folder.parent,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One demo of a dozen seconds, looked at by all tests that need it to end well."""
    folder = tmp_path_factory.mktemp("demo") / "report"
    run = demo(folder, "--seconds", "15")
    out, errors = run.communicate(timeout=120)
    assert run.returncode == 0, errors
    return folder, out, errors


def rows(folder):
    with (folder / "answers.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_it_says_what_happens_in_plain_lines_where_there_is_no_terminal(report):
    _, out, errors = report
    assert not errors
    assert "binds" in out
    assert "no setting keeps the budgets" in out
    assert "report.png" in out
    assert "\x1b" not in out


def test_every_phase_has_answers_and_bits_and_clocks_move(report):
    answers = rows(report[0])
    phases = dict.fromkeys(row["phase"] for row in answers)
    assert list(phases) == [
        "relaxed",
        "tight delay",
        "tight energy",
        "impossible",
        "relaxed again",
    ]
    bits = {p: {int(r["weight_bits"]) for r in answers if r["phase"] == p} for p in phases}
    assert 16 in bits["relaxed"]
    assert max(bits["tight delay"]) < 16
    assert max(bits["tight energy"]) < 16
    assert min(bits["impossible"]) == 2
    assert 16 in bits["relaxed again"]
    assert len({row["robot_clock_hz"] for row in answers}) >= 3
    assert {r["plan_status"] for r in answers if r["phase"] == "impossible"} == {"infeasible"}


def test_the_picture_is_there_and_not_empty(report):
    picture = cv2.imread(str(report[0] / "report.png"))
    assert picture.shape[0] > 500
    assert picture.std() > 20


def test_the_bag_is_read_without_ros(report):
    from rosbags.highlevel import AnyReader

    with AnyReader([report[0] / "bag"]) as bag:
        counts = {connection.topic: connection.msgcount for connection in bag.connections}
        answers = [c for c in bag.connections if c.topic == "/answer"]
        texts = [
            bag.deserialize(raw, connection.msgtype).text
            for connection, _, raw in bag.messages(connections=answers)
        ]
    topics = {
        "/costs",
        "/basis",
        "/plan",
        "/answer",
        "/trace",
        "/robot_device/state",
        "/edge_device/state",
    }
    assert set(counts) == topics
    assert len(texts) >= len(rows(report[0])) > 10
    assert any(texts)


def test_a_node_that_refuses_ends_the_demo_with_its_reason(tmp_path):
    run = demo(tmp_path / "report", "--source", "/none.mp4")
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "camera: refused: camera.source must be" in errors


def children(pid, name):
    """Return the processes below ``pid`` whose command line holds ``name``."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text(encoding="utf-8").split():
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            if name.encode() in command:
                found.append(int(child))
    return found


def test_a_node_that_dies_ends_the_demo_and_takes_the_others_along(tmp_path):
    run = demo(tmp_path / "report", "--seconds", "60")
    deadline_s = time.monotonic() + 60
    while not (victims := children(run.pid, "lib/coinfer_ros/edge")):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    others = children(run.pid, "lib/coinfer_ros/")
    os.kill(victims[0], signal.SIGKILL)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "node edge ended with status -9" in errors
    assert not any(Path(f"/proc/{pid}").exists() for pid in others)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_demo_that_is_ended_leaves_no_node_behind(tmp_path, number):
    run = demo(tmp_path / "report", "--seconds", "60")
    deadline_s = time.monotonic() + 60
    while len(nodes := children(run.pid, "lib/coinfer_ros/")) < 7:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    time.sleep(1.0)
    run.send_signal(number)
    run.communicate(timeout=60)
    while any(Path(f"/proc/{pid}").exists() for pid in nodes):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "1"], r"--seconds must be in \[5"),
        (["--head-flop", "much"], "--head-flop"),
        (["--robot-board", "abacus"], "one of jetson_agx_orin"),
    ],
)
def test_bad_flags_are_refused_before_anything_starts(tmp_path, capsys, arguments, message):
    status = main(["demo", "--out", str(tmp_path / "report"), *arguments])
    error = capsys.readouterr().err
    assert status != 0
    assert len(error.splitlines()) == 1
    assert re.search(message, error), error
    assert not (tmp_path / "report").exists()
