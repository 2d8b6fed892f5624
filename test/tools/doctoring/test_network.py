# SPDX-License-Identifier: Apache-2.0
"""Interfaces and buffers are judged by what DDS needs of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from coinfer_ros.tools.doctoring import network
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices.trees import put

# /sys/class/net/*/flags as Linux shows them: loopback, Ethernet, the same switched off, a tunnel
# without multicast.
LO, UP, DOWN, TUNNEL = "0x9", "0x1003", "0x1002", "0x91"
STOCK, ADVISED = 212_992, 12_582_912


def _one(root: Path, name: str) -> Finding:
    (check,) = (one for one in network.checks(root) if one.name == name)
    (found,) = check.look()
    return found


@pytest.mark.parametrize(
    ("flags", "status", "says"),
    [
        ({"lo": LO, "eth0": UP, "wlan0": UP}, "good", "multicast by eth0, wlan0"),
        ({"lo": LO, "eth0": DOWN}, "limited", "no interface with multicast is up: nodes of other"),
        ({"lo": LO, "wg0": TUNNEL}, "limited", "no interface with multicast is up but wg0: "),
        ({"lo": "0x8", "eth0": UP}, "fault", "loopback interface must be up"),
        ({}, "fault", "loopback interface must be up"),
        ({"lo": "x"}, "fault", "loopback interface must be up"),
    ],
)
def test_interfaces(tmp_path: Path, flags: dict[str, str], status: str, says: str) -> None:
    put(tmp_path, {f"sys/class/net/{name}/flags": text for name, text in flags.items()})
    found = _one(tmp_path, "network")
    assert found.status == status
    assert says in found.detail


@pytest.mark.parametrize(
    ("default", "most", "status"),
    [
        (STOCK, STOCK, "limited"),
        (STOCK, ADVISED, "limited"),  # Fast DDS takes the default unless a profile says otherwise
        (ADVISED, ADVISED, "good"),
        ("x", ADVISED, "missing"),
    ],
)
def test_room_for_a_large_message(
    tmp_path: Path, default: object, most: object, status: str
) -> None:
    put(tmp_path, {network.BUFFER.format("default"): default, network.BUFFER.format("max"): most})
    found = _one(tmp_path, "receive buffer")
    assert found.status == status
    assert bool(found.remedy) is (found.status is Status.LIMITED)
