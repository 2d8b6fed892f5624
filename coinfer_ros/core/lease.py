# SPDX-License-Identifier: Apache-2.0
"""Which clock a device should have now: that of the plans that are renewed, else its own.

Pure: the caller says what time it is, does what is due, and says that it has done it.
"""

from __future__ import annotations

import math
from collections import deque

from coinfer_ros.core.holds import Grant, Holds

MINUTE_S = 60.0
PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0  # after the hardware refused, doubled each time


class Lease:
    """One device's clock under plans: of several robots' the fastest (``Holds``).

    A change waits until the clock before has been held for ``dwell_s``, and until fewer than
    ``most_changes`` were made in the last minute; of several wishes meanwhile the newest counts.
    Giving the clock back waits for nothing.

    :param dwell_s: least time between two changes, s.
    :param most_changes: changes in any minute at most.
    """

    def __init__(self, *, dwell_s: float, most_changes: int) -> None:
        self._holds = Holds()
        self._set_hz = math.nan  # what was asked of the hardware; NaN: it is at its own pace
        self._changes_s: deque[float] = deque()
        self._no_set_before_s = self._no_release_before_s = -math.inf
        self._pause_s = PAUSE_S
        self.pace(dwell_s=dwell_s, most_changes=most_changes)

    def pace(self, *, dwell_s: float, most_changes: int) -> None:
        """Take another dwell time and another count of changes a minute."""
        self._dwell_s, self._most_changes = dwell_s, most_changes

    @property
    def grant(self) -> Grant | None:
        """The grant that counts, None: nobody holds the clock."""
        return self._holds.top()

    @property
    def holders(self) -> int:
        """How many robots' plans hold here."""
        return len(self._holds)

    @property
    def plan_id(self) -> int:
        """The plan whose lease runs, 0: none."""
        return self.grant.plan_id if self.grant else 0

    @property
    def in_force(self) -> bool:
        """True when what was asked of the hardware is what the plan asks for."""
        return self.grant is not None and self.grant.clock_hz == self._set_hz

    def renew(
        self, *, plan_id: int, clock_hz: float, lease_s: float, now_s: float, holder: str = ""
    ) -> None:
        """Take a plan, or the same one again.

        :param holder: the robot whose plan it is.
        :raises InvalidInput: when too many robots hold the clock already.
        """
        self._holds.renew(Grant(holder, plan_id, clock_hz, now_s + lease_s))

    def expire(self, now_s: float) -> int | None:
        """End the leases whose time is over; return the plan of the last where none is left."""
        ended = self._holds.expire(now_s)
        return ended[-1].plan_id if ended and not self._holds else None

    def due_hz(self, now_s: float) -> float | None:
        """Return the clock to set now, NaN: to be given back, None: nothing is due."""
        wanted_hz = self._wanted_hz
        if math.isnan(wanted_hz):
            resting = math.isnan(self._set_hz) or now_s < self._no_release_before_s
            return None if resting else math.nan
        if wanted_hz == self._set_hz or now_s < self._no_set_before_s:
            return None
        return wanted_hz if self._may_change(now_s) else None

    def done(self, clock_hz: float, now_s: float) -> None:
        """Note that what was due has been asked of the hardware."""
        self._set_hz, self._pause_s = clock_hz, PAUSE_S
        if not math.isnan(clock_hz):
            self._changes_s.append(now_s)

    def failed(self, now_s: float) -> None:
        """Note that what was due could not be done; it is due again after a pause.

        A clock that could not be set is given back all the same without one.
        """
        if math.isnan(self._wanted_hz):
            self._no_release_before_s = now_s + PAUSE_S
            return
        self._no_set_before_s = now_s + self._pause_s
        self._pause_s = min(2.0 * self._pause_s, LONGEST_PAUSE_S)

    def lost(self) -> None:
        """Note that the hardware has forgotten what was asked of it: it is due again."""
        if self.in_force:
            self._set_hz = 0.0

    @property
    def _wanted_hz(self) -> float:
        return self.grant.clock_hz if self.grant else math.nan

    def _may_change(self, now_s: float) -> bool:
        while self._changes_s and now_s - self._changes_s[0] >= MINUTE_S:
            self._changes_s.popleft()
        rested = not self._changes_s or now_s - self._changes_s[-1] >= self._dwell_s
        return rested and len(self._changes_s) < self._most_changes
