# SPDX-License-Identifier: Apache-2.0
"""A setting of ROS that has no effect, or an unwanted one, is named with what undoes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coinfer_ros.tools.doctoring import ros
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices import clock_trees as trees


def _found(environ: dict[str, str]) -> list[Finding]:
    check = ros.checks({"ROS_LOG_DIR": os.curdir, **environ})[-1]
    return list(check.look())


def test_the_settings_are_shown_with_their_defaults() -> None:
    (found,) = _found({})
    assert (found.area, found.name, found.status) == ("ROS", "settings", Status.GOOD)
    assert found.detail == (
        "domain 0, finds nodes of the network, middleware rmw_fastrtps_cpp (default), transports "
        "shared memory and UDPv4 (default)"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROS_DOMAIN_ID", "101"),
        ("FASTDDS_BUILTIN_TRANSPORTS", "UDPv4"),
        ("FASTDDS_BUILTIN_TRANSPORTS", "LARGE_DATA?max_msg_size=1MB&sockets_size=1MB"),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET"),
        ("FASTRTPS_DEFAULT_PROFILES_FILE", __file__),
        ("RMW_IMPLEMENTATION", "rmw_zenoh_cpp"),
    ],
)
def test_a_good_setting_is_shown_and_not_complained_of(name: str, value: str) -> None:
    (found,) = _found({name: value})
    assert value in found.detail or name == "ROS_AUTOMATIC_DISCOVERY_RANGE"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ROS_DOMAIN_ID", "102", "must be a whole number in [0, 101], got '102'"),
        ("ROS_DOMAIN_ID", "-1", "must be a whole number in [0, 101], got '-1'"),
        ("FASTDDS_BUILTIN_TRANSPORTS", "udpv4", "got 'udpv4', which has no effect"),
        ("ROS_AUTOMATIC_DISCOVERY_RANGE", "localhost", "got 'localhost', which has no effect"),
        ("FASTRTPS_DEFAULT_PROFILES_FILE", "/no.xml", "must be a file, got '/no.xml'"),
        ("FASTDDS_DEFAULT_PROFILES_FILE", "/no.xml", "must be a file, got '/no.xml'"),
    ],
)
def test_a_setting_without_effect_is_a_fault(name: str, value: str, says: str) -> None:
    _, found = _found({name: value})
    assert (found.name, found.status, found.remedy) == (name, Status.FAULT, f"unset {name}")
    assert says in found.detail


@pytest.mark.parametrize(
    "environ", [{"ROS_LOCALHOST_ONLY": "1"}, {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}]
)
def test_one_machine_alone_is_a_limit(environ: dict[str, str]) -> None:
    shown, limit = _found(environ)
    assert "finds nodes of this machine" in shown.detail
    assert (limit.name, limit.status) == ("ROS_AUTOMATIC_DISCOVERY_RANGE", Status.LIMITED)


def test_logs_that_cannot_be_written_keep_nodes_from_starting() -> None:
    with trees.open_folder() as home, trees.as_ordinary_user(home):
        home.chmod(0o555)
        for environ in ({"HOME": str(home)}, {"ROS_HOME": f"{home}/ros"}):
            _, found = _found({"ROS_LOG_DIR": "", **environ})
            assert (found.name, found.status) == ("ROS_LOG_DIR", Status.FAULT)
        assert len(_found({"ROS_LOG_DIR": str(Path("/tmp")), "HOME": str(home)})) == 1  # noqa: S108
