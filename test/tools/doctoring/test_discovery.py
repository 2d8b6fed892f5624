# SPDX-License-Identifier: Apache-2.0
"""What two processes say of their meeting is judged right, and two real ones meet."""

from __future__ import annotations

import os
import socket

import pytest

from coinfer_ros.tools.doctoring import discovery
from coinfer_ros.tools.doctoring.finding import Status

RMW = {"rmw": "rmw_fastrtps_cpp"}
EARLY = {**RMW, "matched_s": 0.5, "first_message_s": 0.6}
LATE = {**RMW, "matched_s": 0.02, "first_message_s": 0.01}
DEAF = {**RMW, "matched_s": 0.02, "first_message_s": None}
ALONE = {**RMW, "matched_s": None, "first_message_s": None}


@pytest.mark.parametrize(
    ("answers", "status", "says"),
    [
        (
            (EARLY, LATE),
            Status.GOOD,
            "each other in 0.020 s and had the first message after 0.010 s",
        ),
        ((LATE, EARLY), Status.GOOD, "(rmw_fastrtps_cpp)"),
        (({**EARLY, "first_message_s": 5.0}, {**LATE, "first_message_s": 4.0}), Status.LIMITED, ""),
        ((EARLY, DEAF), Status.FAULT, "got no data within 6 s"),
        ((DEAF, DEAF), Status.FAULT, "got no data within 6 s"),
        ((ALONE, ALONE), Status.FAULT, "did not find each other within 6 s"),
        ((EARLY, {"error": "no rmw"}), Status.FAULT, "a node does not start: no rmw"),
    ],
)
def test_the_verdict(answers: tuple[dict[str, object], ...], status: Status, says: str) -> None:
    found, words, _ = discovery._verdict(answers)
    assert found is status
    assert says in words


def test_the_meeting_is_on_a_domain_where_nobody_listens() -> None:
    first = int(discovery._free_domain())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 7410 + 250 * first))  # noqa: S104
        assert int(discovery._free_domain()) < first


@pytest.mark.ros
def test_a_node_that_does_not_start_says_why() -> None:
    pytest.importorskip("rclpy", reason="rclpy is not here: run make test")
    environ = {**os.environ, "RMW_IMPLEMENTATION": "rmw_of_nobody"}
    meeting, nodes = (list(check.look()) for check in discovery.checks(environ))
    assert meeting[0].status is Status.FAULT
    assert "rmw_of_nobody" in meeting[0].detail
    assert nodes == []


@pytest.mark.ros
@pytest.mark.slow
def test_two_processes_of_this_machine_meet() -> None:
    pytest.importorskip("rclpy", reason="rclpy is not here: run make test")
    meeting, nodes = (list(check.look()) for check in discovery.checks(os.environ))
    assert meeting[0].status is not Status.FAULT, meeting[0].detail
    assert "found each other" in meeting[0].detail
    assert nodes[0].detail.startswith("on domain ")
