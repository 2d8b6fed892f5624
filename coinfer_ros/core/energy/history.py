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
    :param power_w: the power since the knot before, or the most beside a moment looked up, W.
    :param doubt_j: what integration may have missed so far, J; 0 for a hardware counter.
    :param breaks: how often the thread was lost before.
    """

    at_s: float
    energy_j: float
    power_w: float
    doubt_j: float = 0.0
    breaks: int = 0


class History:
    """Knots in the order of time; between two of them the counter rises evenly.

    :param longest_gap_s: how long the counter is carried on after the newest knot, s.
    """

    def __init__(self, *, longest_gap_s: float) -> None:
        self._longest_gap_s = longest_gap_s
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

    def at(self, at_s: float, *, power_w: float) -> Knot | None:
        """Return the counter at one moment, with the most power beside it; None: not known.

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
        share = (at_s - before.at_s) / (after.at_s - before.at_s)
        beside = islice(self._knots, max(place - 2, 0), place + 2)
        return Knot(
            at_s,
            before.energy_j + share * (after.energy_j - before.energy_j),
            max(knot.power_w for knot in beside),
            before.doubt_j if share == 0.0 else after.doubt_j,
            before.breaks,
        )

    def _carried_on(self, newest: Knot, at_s: float, power_w: float) -> Knot | None:
        if at_s - newest.at_s > self._longest_gap_s:
            return None
        # Nothing was seen after it: it may have been any power that this machine draws.
        most_w = max(power_w, *(knot.power_w for knot in self._knots))
        energy_j = newest.energy_j + power_w * (at_s - newest.at_s)
        return Knot(at_s, energy_j, most_w, newest.doubt_j, newest.breaks)
