# SPDX-License-Identifier: Apache-2.0
"""Holds a simulated clock to the wall clock: never faster than asked, slower where it must be."""

from __future__ import annotations

import math
from collections import deque

from coinfer_ros.core import checks

# Late by less, the clock makes up for it; what is more is lost: nobody is helped by a race.
MOST_MADE_UP_S = 0.1
MEASURED_OVER_S = 2.0
_LEAST_MEASURED_S = 0.2


class Pace:
    """Says how long to wait for each moment of a simulated clock, and how fast it really runs.

    :param rate: simulated seconds a second, at most.
    :raises InvalidInput: when the rate is not a finite number above zero.
    """

    def __init__(self, rate: float = 1.0) -> None:
        self.rate = rate
        self._marks: deque[tuple[float, float]] = deque()  # simulated and wall time, s
        self._begun_s: tuple[float, float] | None = None

    @property
    def rate(self) -> float:
        """Simulated seconds a second, at most; may change while it runs."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = checks.number("rate", rate, above=0.0)
        self.pause()

    def pause(self) -> None:
        """Forget what was: the clock goes on, or begins anew, at the next moment asked about."""
        self._begun_s = None
        self._marks = deque()

    def left_s(self, simulated_s: float, wall_s: float) -> float:
        """Return how long the moment ``simulated_s`` is still off at wall time ``wall_s``, s.

        :returns: 0 where it is due.
        """
        if self._begun_s is None:
            self._begun_s = simulated_s, wall_s
        from_s, at_s = self._begun_s
        left_s = at_s + (simulated_s - from_s) / self._rate - wall_s
        if left_s < -MOST_MADE_UP_S:
            self._begun_s = simulated_s, wall_s - MOST_MADE_UP_S
        return max(left_s, 0.0)

    def passed(self, simulated_s: float, wall_s: float) -> None:
        """Note that the clock came to ``simulated_s`` at wall time ``wall_s``."""
        marks = self._marks
        marks.append((simulated_s, wall_s))
        while len(marks) > 2 and marks[1][1] <= wall_s - MEASURED_OVER_S:
            marks.popleft()

    @property
    def factor(self) -> float:
        """Real-time factor of the last seconds: simulated seconds a second; NaN until known."""
        marks = tuple(self._marks)  # notes and readers are of different threads
        if len(marks) < 2:
            return math.nan
        (first_s, begun_s), (last_s, now_s) = marks[0], marks[-1]
        took_s = now_s - begun_s
        return (last_s - first_s) / took_s if took_s >= _LEAST_MEASURED_S else math.nan
