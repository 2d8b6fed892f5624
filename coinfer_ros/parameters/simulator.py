# SPDX-License-Identifier: Apache-2.0
"""Parameters of the simulator node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import AUTOSTART


@dataclass(frozen=True)
class SimulatorSettings:
    """Parameters of the simulator node."""

    autostart: bool = setting(*AUTOSTART)
    world: str = setting(
        "world.name", "one_room", "Room to drive in: one_room, two_rooms, or random."
    )
    seed: int = setting(
        "world.seed",
        0,
        "Which room a random one is, from the next ~/reset on; of no effect for the others.",
        low=0,
        high=2**32 - 1,
        live=True,
    )
    rate: float = setting(
        "clock.rate",
        1.0,
        "Simulated seconds a second, at most; other than 1, delays on the machines' own clocks are "
        "not what passes in the room (docs/simulation.md).",
        low=0.01,
        high=100.0,
        live=True,
    )
    timeout_s: float = setting(
        "cmd_vel.timeout_s",
        0.5,
        "Simulated time after which the wheels stop when no command comes, s.",
        low=0.02,
        high=60.0,
        live=True,
    )
