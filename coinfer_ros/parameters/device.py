# SPDX-License-Identifier: Apache-2.0
"""Parameters of the device node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import AUTOSTART, EDGE_ID, board
from coinfer_ros.parameters.machine import MachineSettings


@dataclass(frozen=True)
class DeviceSettings(MachineSettings):
    """Parameters of a device node."""

    autostart: bool = setting(*AUTOSTART)
    role: str = setting(
        "device.role",
        "robot",
        "Which clock of a plan is this machine's.",
        choices=("robot", "edge"),
    )
    edge_id: str = setting(*EDGE_ID)
    exit_on_refusal: bool = setting(
        "exit_on_refusal",
        False,
        "End the process with status 1 where it refuses to start, for a service manager that tries "
        "again.",
    )
    board_file: str = setting(*board("robot"))
    rate_hz: float = setting(
        "state.rate_hz", 10.0, "States published a second.", low=0.1, high=100.0, live=True
    )
    clock_folder: str = setting(
        "clock.state_dir",
        "/var/lib/coinfer",
        "Folder that keeps what a clock was before the first plan, and its one owner.",
    )
    dwell_s: float = setting(
        "clock.dwell_s",
        0.1,
        "Least time between two changes of the clock, s; giving it back waits for nothing.",
        low=0.0,
        high=60.0,
        live=True,
    )
    changes_a_minute: int = setting(
        "clock.changes_a_minute",
        120,
        "Changes of the clock in any minute at most; the newest plan waits.",
        low=1,
        high=6000,
        live=True,
    )
    tolerance: float = setting(
        "clock.tolerance",
        0.03,
        "Share by which the achieved clock may be off before the plan counts as not applied.",
        low=0.0,
        high=1.0,
        live=True,
    )
    settle_s: float = setting(
        "clock.settle_s",
        0.5,
        "How long a clock may take to be reached before it is judged, s.",
        low=0.0,
        high=60.0,
        live=True,
    )
