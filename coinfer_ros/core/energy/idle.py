# SPDX-License-Identifier: Apache-2.0
"""Learns what a machine draws with nothing to do."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

# Shorter windows would take a dip of the regulator for idleness, fewer looks a lucky one.
WINDOW_S = 1.0
LEAST_LOOKS = 10


@dataclass(frozen=True)
class Look:
    """Power at one time.

    :param at_s: monotonic time, s.
    :param power_w: W.
    """

    at_s: float
    power_w: float


class IdleFloor:
    """The mean power of the calmest second.

    A machine that never rests for a second is taken to idle at its calmest one: what is above idle
    is then too little, never too much.

    :param power_w: what is known already, W; NaN: learnt.
    :ivar error_w: half of what power varied by in that second, W; 0 for what was given.
    """

    def __init__(self, power_w: float = math.nan) -> None:
        self._given = not math.isnan(power_w)
        self.power_w, self.error_w = power_w, 0.0
        self._second: deque[Look] = deque()

    def add(self, at_s: float, power_w: float) -> None:
        """Look at the second that ends now; a power that is not known begins it anew.

        :param at_s: monotonic time, s.
        :param power_w: power now, W.
        """
        if self._given:
            return
        if math.isnan(power_w):
            self._second.clear()
            return
        looks = self._second
        looks.append(Look(at_s, power_w))
        while len(looks) > LEAST_LOOKS and at_s - looks[1].at_s >= WINDOW_S:
            looks.popleft()
        if len(looks) < LEAST_LOOKS or at_s - looks[0].at_s < WINDOW_S:
            return
        powers_w = [look.power_w for look in looks]
        mean_w = math.fsum(powers_w) / len(powers_w)
        if not mean_w >= self.power_w:  # NaN: the first
            self.power_w, self.error_w = mean_w, (max(powers_w) - min(powers_w)) / 2.0
