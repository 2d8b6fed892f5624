# SPDX-License-Identifier: Apache-2.0
"""Who holds one clock at what, each under a lease of its own: the fastest wish counts.

A faster clock than a robot asked for makes no answer of it late; a slower one would.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core.errors import InvalidInput

MOST_HOLDERS = 1000


@dataclass(frozen=True)
class Grant:
    """A plan's lease on the clock.

    :param holder: whose plan it is.
    :param plan_id: which one.
    :param clock_hz: what it asks for, Hz; NaN: the device's own pace.
    :param ends_s: monotonic time at which it ends unless it is renewed, s.
    """

    holder: str
    plan_id: int
    clock_hz: float
    ends_s: float


class Holds:
    """The grants in force."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}

    def __len__(self) -> int:
        return len(self._grants)

    def renew(self, grant: Grant) -> None:
        """Take a grant in place of its holder's last.

        :raises InvalidInput: when there are as many holders as may be.
        """
        if grant.holder not in self._grants and len(self._grants) >= MOST_HOLDERS:
            raise InvalidInput(
                f"robot_id must be one of at most {MOST_HOLDERS} that hold a clock, got "
                f"{grant.holder!r} beside them"
            )
        self._grants[grant.holder] = grant

    def expire(self, now_s: float) -> list[Grant]:
        """End and return the grants whose time is over."""
        ended = [grant for grant in self._grants.values() if now_s >= grant.ends_s]
        for grant in ended:
            del self._grants[grant.holder]
        return ended

    def top(self, *, without: str | None = None) -> Grant | None:
        """Return the grant of the fastest clock, one of no clock only where there is no other.

        :param without: a holder to leave aside.
        """
        others = (grant for grant in self._grants.values() if grant.holder != without)
        return max(others, key=_clock, default=None)


def _clock(grant: Grant) -> float:
    return -math.inf if math.isnan(grant.clock_hz) else grant.clock_hz
