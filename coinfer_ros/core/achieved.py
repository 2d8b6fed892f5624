# SPDX-License-Identifier: Apache-2.0
"""Judges whether a clock that was asked for is the one that runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core.ports import ClockReading

# A device that computes less than this rests at whatever clock it likes.
LEAST_LOAD = 0.05


@dataclass
class Achieved:
    """What was asked of one clock, and since when.

    :param tolerance: share by which the achieved clock may be off.
    :param settle_s: how long it may take to be reached, s.
    """

    tolerance: float
    settle_s: float
    requested_hz: float = math.nan
    since_s: float = math.nan

    def request(self, clock_hz: float, now_s: float) -> None:
        """Note what was asked for, NaN: nothing any more."""
        self.requested_hz, self.since_s = clock_hz, now_s

    def fault(self, reading: ClockReading, load: float, now_s: float) -> str:
        """Return how the clock is off, in words; empty: it is not, or may still be on its way.

        A clock that is not known is off by nothing. A slower one on a device that has nothing to
        do is rest, unless the driver names what holds it down; where the load is not known it may
        be.

        :param load: share of the time in which the device computes; NaN: not known.
        """
        off = self._is_off(reading)
        resting = reading.hz < self.requested_hz and not load >= LEAST_LOAD and not reading.throttle
        if not off or resting or now_s - self.since_s < self.settle_s:
            return ""
        because = f" ({reading.throttle})" if reading.throttle else ""
        asked = f"{self.requested_hz / 1e6:.0f}"
        return f"the clock is {reading.hz / 1e6:.0f} MHz and not {asked}{because}"

    def holds(self, reading: ClockReading, load: float) -> bool:
        """Tell whether a known clock is the one asked for, or one of a device at rest."""
        resting = reading.hz < self.requested_hz and not load >= LEAST_LOAD
        return not math.isnan(reading.hz) and (not self._is_off(reading) or resting)

    def _is_off(self, reading: ClockReading) -> bool:
        return abs(reading.hz - self.requested_hz) > self.tolerance * self.requested_hz
