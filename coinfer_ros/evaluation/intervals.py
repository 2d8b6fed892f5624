# SPDX-License-Identifier: Apache-2.0
"""Confidence intervals of shares, of means and of differences between paired episodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z = 1.959963984540054  # of 95 %, two-sided
RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A value with its interval of 95 %."""

    value: float
    low: float
    high: float

    @property
    def beyond_chance(self) -> bool:
        """True for a difference whose interval leaves nought out."""
        return self.low > 0.0 or self.high < 0.0


def share(count: int, of: int) -> Estimate:
    """Return a share with Wilson's interval.

    >>> share(0, 100).high < 0.04 < share(5, 100).value < share(5, 100).high
    True
    """
    p, z2 = count / of, Z * Z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = Z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Estimate(p, max(middle - half, 0.0), min(middle + half, 1.0))


def mean(values: Sequence[float]) -> Estimate:
    """Return a mean with a bootstrap's percentiles, the same for the same values."""
    found = np.asarray(values, np.float64)
    drawn = np.random.default_rng(0).integers(len(found), size=(RESAMPLES, len(found)))
    low, high = np.percentile(found[drawn].mean(axis=1), (2.5, 97.5))
    return Estimate(float(found.mean()), float(low), float(high))


def difference(first: Sequence[bool], second: Sequence[bool]) -> Estimate:
    """Return by how much the first share exceeds the second, of the same episodes.

    The interval is Bonett and Price's for paired shares (2012): Wald's with one more of either kind
    of disagreement, which keeps its confidence with few episodes, too.

    >>> difference([True] * 50, [True] * 50).beyond_chance
    False
    >>> difference([True] * 50, [True] * 40 + [False] * 10).beyond_chance
    True
    """
    pairs = list(zip(first, second, strict=True))
    better, worse = pairs.count((True, False)), pairs.count((False, True))
    count = len(pairs) + 2
    up, down = (better + 1) / count, (worse + 1) / count
    half = Z * math.sqrt((up + down - (up - down) ** 2) / count)
    value = (better - worse) / len(pairs)
    return Estimate(value, max(up - down - half, -1.0), min(up - down + half, 1.0))
