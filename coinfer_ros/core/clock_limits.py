# SPDX-License-Identifier: Apache-2.0
"""Learns which clocks a device really reaches, so that plans ask for no others.

Pure: the caller passes on what the device's states say and what time it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# A device that computes less than this shows a clock of rest.
WORKING_LOAD = 0.2
# How long a limit holds after it was last seen; doubled each time that it comes back at once.
HOLD_S, LONGEST_HOLD_S = 5.0, 60.0


@dataclass(frozen=True)
class Seen:
    """What one state of a device says.

    :param plan_id: plan in force there, 0: none.
    :param message: why its clock is not applied; empty: it is, or is on its way.
    :param planned_hz: what the plan asked for, Hz; NaN: nothing.
    :param requested_hz: what was set, Hz; NaN: it could not be.
    :param achieved_hz: clock read back, Hz; NaN: not known.
    :param default_hz: what it runs at under load when nobody sets it, Hz.
    :param load: share of its time in which it computes; NaN: not known.
    """

    plan_id: int
    message: str
    planned_hz: float
    requested_hz: float
    achieved_hz: float
    default_hz: float
    load: float


@dataclass(frozen=True)
class Band:
    """Clocks that a device reaches, Hz."""

    low_hz: float = 0.0
    high_hz: float = math.inf

    @property
    def is_one(self) -> bool:
        """True when it is a single clock."""
        return self.low_hz == self.high_hz

    def __str__(self) -> str:
        if self.is_one:
            return f"{self.low_hz / 1e6:.0f} MHz"
        if self.high_hz == math.inf:
            return f"{self.low_hz / 1e6:.0f} MHz and more"
        return f"up to {self.high_hz / 1e6:.0f} MHz"


ALL = Band()


class ClockLimits:
    """What one device has shown to reach.

    A clock that stays below the plan's (throttled, or no step is so fast) becomes the highest to
    plan with, one above it the lowest, and one that cannot be set the only one: the last that was
    seen under load, for at rest it says nothing.
    """

    def __init__(self) -> None:
        self._band = ALL
        self._own_hz = math.nan  # of a clock that cannot be set, under load
        self._until_s = self._released_s = -math.inf
        self._hold_s = HOLD_S

    def observe(self, seen: Seen, now_s: float) -> Band:
        """Take one state and return the clocks to plan with."""
        if not seen.load < WORKING_LOAD and not math.isnan(seen.achieved_hz):
            self._own_hz = seen.achieved_hz
        found = self._found(seen) if seen.plan_id and seen.message else None
        if found is not None and found.is_one and self._band.is_one and now_s < self._until_s:
            return self._band  # its own pace varies with the load, and plans must not
        if found is not None:
            if self._band == ALL:
                soon = now_s - self._released_s < self._hold_s
                self._hold_s = min(2.0 * self._hold_s, LONGEST_HOLD_S) if soon else HOLD_S
            self._band, self._until_s = found, now_s + self._hold_s
        elif self._band != ALL and now_s >= self._until_s:
            self._band, self._released_s = ALL, now_s
        return self._band

    def _found(self, seen: Seen) -> Band | None:
        if math.isnan(seen.requested_hz):
            own_hz = seen.default_hz if math.isnan(self._own_hz) else self._own_hz
            return None if math.isnan(own_hz) else Band(own_hz, own_hz)
        if seen.achieved_hz < seen.planned_hz:
            return Band(high_hz=seen.achieved_hz)
        if seen.achieved_hz > seen.planned_hz:
            return Band(low_hz=seen.achieved_hz)
        return None
