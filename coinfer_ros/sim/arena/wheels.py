# SPDX-License-Identifier: Apache-2.0
"""What the wheels were asked for last: held to what they can do, and for a time only."""

from __future__ import annotations

import math
import threading

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.world import FASTEST_M_S, FASTEST_RAD_S, World


class Wheels:
    """Takes speeds from one thread and gives them to a world in another.

    :param timeout_s: simulated time that a command holds, s; then the wheels stop.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.taken, self.clipped, self.refused = 0, 0, 0
        self._changing = threading.Lock()
        self._asked: tuple[float, float] | None = None  # not yet given to the world
        self._until_s = math.inf  # simulated time at which the command in force ends

    def ask(self, forward_m_s: float, turn_rad_s: float) -> None:
        """Take a command; more than the robot can do is clipped, as real bases do, and counted.

        :raises InvalidInput: when one is not a finite number: counted, and the former holds on.
        """
        try:
            forward = checks.number("linear.x", forward_m_s, unit="m/s")
            turn = checks.number("angular.z", turn_rad_s, unit="rad/s")
        except InvalidInput:
            self.refused += 1
            raise
        able = _clip(forward, FASTEST_M_S), _clip(turn, FASTEST_RAD_S)
        self.taken += 1
        self.clipped += able != (forward, turn)
        with self._changing:
            self._asked = able

    def drive(self, world: World, now_s: float) -> None:
        """Pass on what was asked since the last call, and stop where a command has run out.

        :param now_s: simulated time, s.
        """
        with self._changing:
            asked, self._asked = self._asked, None
        if asked is not None:
            world.command(*asked)
            self._until_s = now_s + self.timeout_s
        elif now_s >= self._until_s:
            world.command(0.0, 0.0)
            self._until_s = math.inf

    def forget(self) -> None:
        """Begin anew, as a world that was reset does."""
        with self._changing:
            self._asked, self._until_s = None, math.inf


def _clip(value: float, most: float) -> float:
    return max(-most, min(most, value))
