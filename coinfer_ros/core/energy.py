# SPDX-License-Identifier: Apache-2.0
"""Joules of a window of time, from two looks at an energy counter."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core.ports import PowerMeter, PowerReading

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


UNKNOWN = Spent(math.nan, math.nan, math.nan)


def spent(meter: PowerMeter, before: PowerReading, after: PowerReading) -> Spent:
    """Return the energy between two readings of one meter.

    The window's ends are each uncertain by one sensor period, in which the power may be anything
    between idle and what was drawn on average, and the counter by one step at each end.
    """
    window_s = after.at_s - before.at_s
    if window_s < LEAST_PERIODS * meter.period_s or after.energy_j < before.energy_j:
        return UNKNOWN
    gross_j = after.energy_j - before.energy_j
    above_idle_j = gross_j - meter.idle_power_w * window_s
    # One sensor period on each side of the window, at the mean power above idle.
    edges_j = 2.0 * meter.period_s * max(above_idle_j, 0.0) / window_s
    return Spent(gross_j, above_idle_j, 2.0 * meter.resolution_j + edges_j)
