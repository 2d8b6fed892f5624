# SPDX-License-Identifier: Apache-2.0
"""Learns the part of a measured cost that the model of it does not explain."""

from __future__ import annotations

import math
from collections import deque

from coinfer_ros.core import checks


class Overhead:
    """A high quantile of measured less modelled over the last few requests, never below zero.

    It moves in steps, so that noise smaller than a step does not change the plan.

    :param window: how many requests it remembers.
    :param quantile: share of them that it covers.
    :param step: granularity of the estimate, in the unit of the cost.
    :param initial: estimate before the first measurement.

    >>> overhead = Overhead(window=3, quantile=1.0, step=0.005, initial=0.02)
    >>> overhead.estimate
    0.02
    >>> overhead.add(measured=0.131, modelled=0.1)
    >>> overhead.estimate
    0.035
    """

    def __init__(self, *, window: int, quantile: float, step: float, initial: float) -> None:
        checks.whole("window", window, low=1, high=10_000)
        self._quantile = checks.number("quantile", quantile, low=0.0, high=1.0)
        self._step = checks.number("step", step, above=0.0)
        self._initial = checks.number("initial", initial, low=0.0)
        self._excess: deque[float] = deque(maxlen=window)

    def add(self, *, measured: float, modelled: float) -> None:
        """Take one request into account; an unknown (NaN) one is left out."""
        if math.isfinite(measured) and math.isfinite(modelled):
            self._excess.append(measured - modelled)

    @property
    def estimate(self) -> float:
        """The overhead to plan with, in the unit of the cost."""
        if not self._excess:
            return self._initial
        return math.ceil(max(self._covering(), 0.0) / self._step) * self._step

    def _covering(self) -> float:
        """Return the least excess that covers the quantile, one outlier left aside."""
        count = len(self._excess)
        covered = max(math.ceil(self._quantile * count), 1)
        # A young window is one slow start away from its maximum: that one is not the rule.
        if self._quantile < 1.0 and count > 1:
            covered = min(covered, count - 1)
        return sorted(self._excess)[covered - 1]
