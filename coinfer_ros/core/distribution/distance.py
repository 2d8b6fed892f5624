# SPDX-License-Identifier: Apache-2.0
"""How far a law is from what was counted, by Kolmogorov and Smirnov, and how well that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.magnitudes import Bins

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distance:
    """The greatest difference of two cumulative probabilities lies between these, both included.

    :param low: least that it can be, in [0, 1].
    :param high: greatest that it can be, in [0, 1]; ``low`` where the magnitudes are known exactly.
    """

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The middle of both, off by half of their difference at most."""
        return 0.5 * (self.low + self.high)


def distance(bins: Bins, cumulative: Callable[[Floats], Floats]) -> Distance:
    """Return sup|F' - F| of the counted magnitudes' F' and a continuous law's F.

    F' is known where a bin begins and ends. Inside it both rise, F' from C0 to C1 and F from F(a)
    to F(b), so they differ by max(C1 - F(a), F(b) - C0) at most; with a = b by just that.

    :param bins: B bins, at least one.
    :param cumulative: F, from magnitudes (B,) in weight units to probabilities (B,).
    """
    up_to = np.cumsum(bins.counts)
    after = up_to / up_to[-1]  # C1
    before = (up_to - bins.counts) / up_to[-1]  # C0
    at_least, at_greatest = cumulative(bins.least), cumulative(bins.greatest)
    high = max((after - at_least).max(), (at_greatest - before).max())
    if np.array_equal(bins.least, bins.greatest):
        return Distance(float(high), float(high))
    low = max(np.abs(after - at_greatest).max(), np.abs(at_least - before).max())
    return Distance(float(low), float(high))
