# SPDX-License-Identifier: Apache-2.0
"""The last minute of a continuous energy counter, to be looked up at any moment of it."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice

KEPT_S = 60.0


@dataclass(frozen=True)
class Knot:
    """The energy counter at one moment.

    :param at_s: monotonic time, s.
    :param energy_j: all energy since the counter began, J.
    :param power_w: the power since the knot before, W.
    :param doubt_j: what integration may have missed so far, J; 0 for a hardware counter.
    :param breaks: how often the thread was lost before.
    """

    at_s: float
    energy_j: float
    power_w: float
    doubt_j: float = 0.0
    breaks: int = 0


@dataclass(frozen=True)
class Moment:
    """The energy counter at a time looked up.

    :param energy_j: all energy since the counter began, J.
    :param edge_j: what it may be off by, as an end of a window, J.
    :param doubt_j: as of a knot.
    :param breaks: as of a knot.
    """

    energy_j: float
    edge_j: float
    doubt_j: float
    breaks: int


class History:
    """Knots in the order of time; between two of them the counter rises evenly.

    :param period_s: time between two updates of the sensor, s.
    :param longest_gap_s: how long the counter is carried on after the newest knot, s.
    """

    def __init__(self, *, period_s: float, longest_gap_s: float) -> None:
        self._period_s, self._longest_gap_s = period_s, longest_gap_s
        self._knots: deque[Knot] = deque()

    @property
    def newest(self) -> Knot | None:
        """The newest knot, None before the first."""
        return self._knots[-1] if self._knots else None

    def tie(
        self,
        at_s: float,
        step_j: float,
        *,
        power_w: float,
        doubt_j: float = 0.0,
        lost: bool = False,
    ) -> Knot:
        """Add a knot.

        :param step_j: energy since the newest one, J.
        :param power_w: the most power since then that is known of, W.
        :param doubt_j: what of ``step_j`` is doubtful, J.
        :param lost: true when what happened since the newest one is not known.
        """
        last = self.newest or Knot(at_s, 0.0, power_w)
        knot = Knot(
            at_s, last.energy_j + step_j, power_w, last.doubt_j + doubt_j, last.breaks + lost
        )
        self._knots.append(knot)
        while at_s - self._knots[0].at_s > KEPT_S:
            self._knots.popleft()
        return knot

    @property
    def most_w(self) -> float:
        """The most power of the last minute, W; 0 before there is one."""
        return max((knot.power_w for knot in self._knots), default=0.0)

    def at(self, at_s: float, *, power_w: float) -> Moment | None:
        """Return the counter at one moment; None: not known.

        It is off by what the most power beside it makes in a sensor's period, or in the time
        between the knots around it where that is longer.

        :param power_w: what it is carried on with after the newest knot, W.
        """
        place = bisect_right(self._knots, at_s, key=lambda knot: knot.at_s)
        if place == 0:
            return None
        before = self._knots[place - 1]
        if place == len(self._knots):
            return self._carried_on(before, at_s, power_w)
        after = self._knots[place]
        if after.breaks != before.breaks:
            return None
        step_s = after.at_s - before.at_s
        share = (at_s - before.at_s) / step_s
        beside_w = max(k.power_w for k in islice(self._knots, max(place - 2, 0), place + 2))
        return Moment(
            before.energy_j + share * (after.energy_j - before.energy_j),
            max(self._period_s, step_s) * beside_w,
            before.doubt_j if share == 0.0 else after.doubt_j,
            before.breaks,
        )

    def _carried_on(self, newest: Knot, at_s: float, power_w: float) -> Moment | None:
        age_s = at_s - newest.at_s
        if age_s > self._longest_gap_s:
            return None
        # Nothing was seen after it: it may have been any power that this machine draws.
        edge_j = (self._period_s + age_s) * max(power_w, self.most_w)
        return Moment(newest.energy_j + power_w * age_s, edge_j, newest.doubt_j, newest.breaks)
