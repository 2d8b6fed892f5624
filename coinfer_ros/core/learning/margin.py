# SPDX-License-Identifier: Apache-2.0
"""How much of a budget to leave for what no model foresees."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks

WINDOW = 100
# Confidence with which the margin covers its share of answers.
CONFIDENCE = 0.95
# Beyond so many times the usual spread above the usual, an answer is an outlier.
OUTLIER = 6.0
# While fewer answers are known, the margin is no less than it was.
YOUNG = 8


class Margin:
    """The excess of measured over predicted that a share of answers stays within.

    A tolerance bound: the order statistic of the last ``WINDOW`` answers that covers the share
    with ``CONFIDENCE`` (up to 58 answers their greatest, for 95 %). Outliers are left aside while
    they are no more than the share that may be late; that many are late by the very definition
    of a percentile.

    :param share: share of answers to cover, in [0.5, 1].
    :param step: granularity, in the unit of the cost: finer ones would change plans with noise.
    :param initial: the margin before anything was measured.

    >>> margin = Margin(share=0.95, step=0.005, initial=0.02)
    >>> margin.estimate
    0.02
    >>> for _ in range(8):
    ...     margin.add(0.011)
    >>> margin.estimate
    0.015
    """

    def __init__(self, *, share: float, step: float, initial: float) -> None:
        self._share = checks.number("share", share, low=0.5, high=1.0)
        self._step = checks.number("step", step, above=0.0)
        self._floor = checks.number("initial", initial, low=0.0)
        self._excess: deque[float] = deque(maxlen=WINDOW)
        self._estimate: float | None = None

    def add(self, excess: float) -> None:
        """Take one answer into account; NaN is left out."""
        if math.isfinite(excess):
            self._excess.append(excess)
            self._estimate = None

    def forget(self) -> None:
        """Leave behind what was measured before the world changed; the margin stays a while."""
        self._floor = self.estimate
        self._excess.clear()
        self._estimate = None

    @property
    def count(self) -> int:
        """Answers that it knows."""
        return len(self._excess)

    @property
    def estimate(self) -> float:
        """The margin to plan with, at least 0, in the unit of the cost."""
        if self._estimate is None:
            bound = self._bound() if self._excess else 0.0
            self._estimate = max(bound, self._floor) if self.count < YOUNG else bound
        return self._estimate

    def _bound(self) -> float:
        excess = np.sort(np.array(self._excess))
        if self._share < 1.0:
            excess = excess[: excess.size - self._outliers(excess)]
        # Rounded first: the last digit of a sum must not cost a whole step.
        steps = math.ceil(round(max(float(excess[self._rank(excess.size)]), 0.0) / self._step, 9))
        return steps * self._step

    def _outliers(self, excess: NDArray[np.float64]) -> int:
        """Return how many of the greatest are outliers, 0 where more than the share allows for.

        :param excess: (N,) rising.
        """
        if excess.size < 2:
            return 0
        usual = float(np.median(excess))
        spread = max(float(np.median(np.abs(excess - usual))) / 0.6745, self._step / OUTLIER)
        found = int((excess > usual + OUTLIER * spread).sum())
        # Of a young window one is not the rule yet.
        allowed = max(math.floor((1.0 - self._share) * excess.size + 1e-9), 1)
        return found if found <= allowed else 0

    def _rank(self, count: int) -> int:
        """Return the place of the order statistic that covers the share with confidence.

        Order statistic k of n covers the share p with probability P[Binomial(n, p) < k].
        """
        place, at_least = count - 1, self._share**count  # probability that all are within p
        chance = at_least  # P[Binomial = n]
        for k in range(count - 1, 0, -1):
            # Would the next lower one do: P[Binomial(n, p) < k] >= CONFIDENCE?
            chance *= (k + 1) / (count - k) * (1.0 - self._share) / self._share
            at_least += chance
            if 1.0 - at_least < CONFIDENCE:
                return place
            place = k - 1
        return place
