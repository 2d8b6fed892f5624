# SPDX-License-Identifier: Apache-2.0
"""Joules of a window of time, with a bound of their error."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Under three sensor periods a difference says more about the sensor than about the window.
LEAST_PERIODS = 3.0


@dataclass(frozen=True)
class Spent:
    """Energy of one window.

    :param gross_j: all energy, idle included, J; NaN when unknown.
    :param above_idle_j: gross less idle power times the window, J; NaN when unknown.
    :param error_j: bound of the error of either, J; NaN when unknown.
    """

    gross_j: float
    above_idle_j: float
    error_j: float

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.gross_j + other.gross_j,
            self.above_idle_j + other.above_idle_j,
            self.error_j + other.error_j,
        )

    @property
    def known(self) -> bool:
        """False for a window that the sensor is too slow for, or that it lost the thread in."""
        return not math.isnan(self.gross_j)


UNKNOWN = Spent(math.nan, math.nan, math.nan)
