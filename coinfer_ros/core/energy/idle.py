# SPDX-License-Identifier: Apache-2.0
"""Learns what a machine draws with nothing to do."""

from __future__ import annotations

import math
from collections import deque

from coinfer_ros.core.energy.history import Knot

# Shorter windows would take a dip of the regulator for idleness.
WINDOW_S = 1.0


class IdleFloor:
    """The least mean power of any second.

    A machine that never rests for a second is taken to idle at its calmest one: what is above idle
    is then too little, never too much.

    :param power_w: what is known already, W; NaN: learnt.
    """

    def __init__(self, power_w: float = math.nan) -> None:
        self._given = not math.isnan(power_w)
        self.power_w = power_w
        self._second: deque[Knot] = deque()

    def add(self, newest: Knot) -> None:
        """Look at the second that ends with the newest knot."""
        if self._given:
            return
        if self._second and self._second[0].breaks != newest.breaks:
            self._second.clear()
        self._second.append(newest)
        while len(self._second) > 2 and newest.at_s - self._second[1].at_s >= WINDOW_S:
            self._second.popleft()
        begun = self._second[0]
        elapsed_s = newest.at_s - begun.at_s
        if elapsed_s >= WINDOW_S:
            mean_w = (newest.energy_j - begun.energy_j) / elapsed_s
            self.power_w = mean_w if math.isnan(self.power_w) else min(self.power_w, mean_w)
