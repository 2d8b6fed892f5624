# SPDX-License-Identifier: Apache-2.0
"""How long a batch takes, learnt from the batches that ran."""

from __future__ import annotations

import math

from coinfer_ros.core import checks

_ODD = 3.0  # usual deviations; what is further off counts as that far
_USUAL = 0.1  # of a run: the least that is usual, however regular the runs were
_FIRM = 0.05  # how firmly a split is held that recent runs say nothing about, in runs
_LEAST_SHARE = 0.1  # of a run: a share that is nought now may become something


class Pace:
    """A batch of n takes ``start_s + n * each_s``, give or take ``spread_s``.

    Recursive least squares that forgets old runs by and by. An odd run counts as one that is just
    not odd; after a second one in a row, off to the same side, all that was before is forgotten.
    What recent runs say nothing about is kept: as long as all batches have one size, both shares
    grow and shrink together, as they do with the clock of the machine.

    :param memory: how many runs it remembers.
    :ivar known: whether a batch ran at all.

    >>> pace = Pace()
    >>> pace.learn(1, 0.3)
    >>> round(pace.start_s, 3), round(pace.each_s, 3)
    (0.15, 0.15)
    >>> for _ in range(20):
    ...     pace.learn(1, 0.3)
    ...     pace.learn(4, 0.6)
    >>> round(pace.start_s, 2), round(pace.each_s, 2)
    (0.2, 0.1)
    """

    def __init__(self, *, memory: int = 8) -> None:
        checks.whole("memory", memory, low=2, high=10_000)
        self._kept = 1.0 - 1.0 / memory
        self._forget()
        self._odd = 0.0  # the side that the last run was odd to, 0: it was not
        self.start_s = self.each_s = 0.0
        self.known = False

    def seconds(self, size: int) -> float:
        """Return how long a batch of ``size`` takes, its usual deviation included, s.

        0 before the first run: nothing is refused for what is not known.
        """
        return self._mean_s(size) + self.spread_s

    def learn(self, size: int, seconds: float) -> None:
        """Take a run into account.

        :param size: answers in the batch.
        :param seconds: what it took.
        """
        checks.whole("size", size, low=1, high=100_000)
        checks.number("seconds", seconds, low=0.0, unit="s")
        if not self.known:  # as likely the one as the other
            self.start_s = self.each_s = seconds / (1 + size)
            self.known = True
        excess_s = seconds - self._mean_s(size)
        most_s = _ODD * max(self.spread_s, _USUAL * self._mean_s(size))
        odd = math.copysign(1.0, excess_s) if abs(excess_s) > most_s else 0.0
        if odd and odd == self._odd:
            self._forget()
        else:
            excess_s = max(-most_s, min(excess_s, most_s))
            self.spread_s += (abs(excess_s) - self.spread_s) * (1.0 - self._kept)
        self._odd = odd
        self._follow(size, excess_s)

    def _forget(self) -> None:
        self._runs = self._sizes = self._squares = 0.0  # weighted sums of 1, n and n² over the runs
        self.spread_s = 0.0

    def _follow(self, size: int, excess_s: float) -> None:
        self._runs = self._kept * self._runs + 1.0
        self._sizes = self._kept * self._sizes + size
        self._squares = self._kept * self._squares + size * size
        one_s = self._mean_s(1) or 1.0
        start = self._runs + _FIRM / max(self.start_s / one_s, _LEAST_SHARE)
        each = self._squares + _FIRM * size / max(self.each_s / one_s, _LEAST_SHARE)
        step_s = excess_s / (start * each - self._sizes**2)
        self.start_s = max(self.start_s + (each - self._sizes * size) * step_s, 0.0)
        self.each_s = max(self.each_s + (start * size - self._sizes) * step_s, 0.0)

    def _mean_s(self, size: int) -> float:
        return self.start_s + size * self.each_s
