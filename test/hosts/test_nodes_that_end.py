# SPDX-License-Identifier: Apache-2.0
"""Any node may die and come back, or be asked to end: the system is whole again, no clock stays."""

from __future__ import annotations

import os
import signal
import time

import pytest

from bench.hosts.outcome import LATE, STALE, await_whole
from coinfer_ros.parameters import ControllerSettings

from .waiting import START_S, until

pytestmark = [pytest.mark.ros, pytest.mark.slow]

LEASE_S = ControllerSettings().lease_s
# A device looks every 0.1 s whether its lease has ended.
GIVEN_BACK_S = LEASE_S + 0.5
SAID_S = 1.0
END_S = 2.0
NODES = ("camera", "robot", "robot_device", "controller", "edge", "edge_device")


def since(begun_s):
    return time.monotonic() - begun_s


def is_given_back(system, *hosts):
    boards = [system.boards[host] for host in hosts]
    return lambda: all(board.achieved().hz == board.default_hz for board in boards)


@pytest.mark.parametrize("name", NODES)
def test_a_node_that_is_killed_and_started_again_makes_the_system_whole(system, name):
    killed_s = time.monotonic()
    system.kill(name)
    if name == "controller":
        back_s = until(is_given_back(system, "robot", "edge"), timeout_s=GIVEN_BACK_S)
        print(f"clocks given back after {back_s:.2f} s")
    if name == "edge":
        said = system.ear.first(
            "answer", lambda a: a.status == LATE, since_s=killed_s, timeout_s=2.0 * SAID_S
        )
        print(f"said after {said.at_s - killed_s:.2f} s: {said.message.reason}")
        assert said.at_s - killed_s <= SAID_S
        assert said.message.reason
        assert said.message.source == STALE
    started_s = time.monotonic()
    system.start(name)
    answer = await_whole(system, since_s=started_s, timeout_s=START_S)
    print(f"OK {answer.at_s - started_s:.2f} s after its start, whole {since(started_s):.2f} s")


def test_an_edge_whose_robot_loses_its_power_gives_its_clock_back_within_the_lease(system, network):
    assert not is_given_back(system, "edge")()
    network.cut()
    system.kill(*system.names["robot"])
    back_s = until(is_given_back(system, "edge"), timeout_s=GIVEN_BACK_S)
    network.mend()
    started_s = time.monotonic()
    system.start(*system.names["robot"])
    await_whole(system, since_s=started_s, timeout_s=START_S)
    print(
        f"given back after {back_s:.2f} s, whole {since(started_s):.2f} s after the robot's start"
    )


@pytest.mark.parametrize("link", ["whole", "cut"])
def test_every_node_ends_in_time_with_status_0_in_the_midst_of_work(system, network, link):
    if link == "cut":
        network.cut()
        system.ear.first(
            "answer", lambda a: a.status == LATE, since_s=time.monotonic(), timeout_s=9
        )
    pids = {name: system.pid(name) for name in NODES}
    asked_s = time.monotonic()
    for pid in pids.values():
        os.kill(pid, signal.SIGTERM)
    ended_s = system.await_end(*NODES, timeout_s=2.0 * END_S)
    took_s = {name: round(at_s - asked_s, 2) for name, at_s in ended_s.items()}
    print(took_s)
    assert max(took_s.values()) <= END_S
    assert {name: system.ended()[name] for name in NODES} == dict.fromkeys(NODES, 0)
    assert is_given_back(system, "robot", "edge")()
