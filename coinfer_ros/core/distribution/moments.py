# SPDX-License-Identifier: Apache-2.0
"""The few means of counted magnitudes that decide which parameters of a law are likeliest."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Magnitudes


@dataclass(frozen=True)
class Moments:
    """The sums that the laws are fitted to, as means.

    :param count: weights q.
    :param mean: E|w|, weight units.
    :param mean_square: Ew², weight units squared.
    :param nonzero_count: weights q' that are not 0.
    :param nonzero_mean: E'|w|, weight units.
    :param nonzero_mean_square: E'w², weight units squared.
    :param nonzero_mean_log: E'ln|w|.
    :param spread: whether two magnitudes that are not 0 differ.
    """

    count: int
    mean: float
    mean_square: float
    nonzero_count: int
    nonzero_mean: float
    nonzero_mean_square: float
    nonzero_mean_log: float
    spread: bool

    def without_zeros(self) -> Moments:
        """Return the means of the weights that are not 0."""
        return replace(
            self,
            count=self.nonzero_count,
            mean=self.nonzero_mean,
            mean_square=self.nonzero_mean_square,
        )

    @classmethod
    def of(cls, magnitudes: Magnitudes) -> Moments:
        """Return the means of what was counted.

        :raises InvalidInput: when it holds no weight that is not 0.
        """
        count = magnitudes.count
        nonzero_count = count - magnitudes.zeros
        if not nonzero_count:
            raise InvalidInput(f"magnitudes must hold one that is not 0, got {count} zeros")
        return cls(
            count,
            float(magnitudes.total / count),
            float(magnitudes.squares / count),
            nonzero_count,
            float(magnitudes.total / nonzero_count),
            float(magnitudes.squares / nonzero_count),
            float(magnitudes.logs / nonzero_count),
            magnitudes.least < magnitudes.greatest,
        )
