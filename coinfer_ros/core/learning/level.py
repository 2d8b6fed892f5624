# SPDX-License-Identifier: Apache-2.0
"""Costs that no setting of a machine changes, and such as the wire's width alone changes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from coinfer_ros.core.learning.filter import Filter, Prior


class Level:
    """One cost: a queue, what the robot does beside its stages.

    :param initial: before it was measured, in its unit.
    :param scale: how far off that may be, in its unit.
    :param low: bound from below.
    """

    def __init__(self, *, initial: float, scale: float, low: float = 0.0) -> None:
        prior = Prior(initial, scale, 0.02 * scale, low)
        self._filter = Filter([prior], noise=0.1 * scale, least_noise=0.01 * scale)

    def observe(self, value: float) -> bool:
        """Take one value into account, NaN is left out; true when it confirmed a step."""
        return math.isfinite(value) and self._filter.observe(np.ones(1), value)

    @property
    def holding(self) -> bool:
        """True while a value is held back."""
        return self._filter.holding

    @property
    def estimate(self) -> float:
        """What has been learnt, in its unit."""
        return float(self._filter.x[0])


class LevelOfWire:
    """A cost that each width of the wire has for itself: coding, and what it takes off quality.

    :param widths: (W,) the wire's widths.
    :param initial: (W,) before they were measured, in its unit.
    :param scale: how far off those may be, as a share of them.
    """

    def __init__(self, widths: Sequence[int], initial: Sequence[float], *, scale: float) -> None:
        self._levels = {
            bits: Level(initial=value, scale=scale * value)
            for bits, value in zip(widths, initial, strict=True)
        }

    def observe(self, wire_bits: int, value: float) -> None:
        """Take one value of a width into account; NaN and other widths are left out."""
        if wire_bits in self._levels:
            self._levels[wire_bits].observe(value)

    @property
    def estimates(self) -> tuple[float, ...]:
        """(W,) what has been learnt."""
        return tuple(level.estimate for level in self._levels.values())
