# SPDX-License-Identifier: Apache-2.0
"""Joules between two readings of a counter that is exact at the moment of reading."""

from __future__ import annotations

from coinfer_ros.core.ports import PowerReading, SensorInfo
from coinfer_ros.core.spent import LEAST_PERIODS, UNKNOWN, Spent


def between(
    info: SensorInfo, before: PowerReading, after: PowerReading, *, idle_power_w: float
) -> Spent:
    """Return the energy between two readings of one meter.

    The window's ends are each uncertain by one sensor period, in which the power may be anything
    between idle and what was drawn on average, and the counter by one step at each end.
    """
    window_s = after.at_s - before.at_s
    rising = after.energy_j >= before.energy_j and after.breaks == before.breaks
    if not window_s >= LEAST_PERIODS * info.period_s or not rising:
        return UNKNOWN
    gross_j = after.energy_j - before.energy_j
    above_idle_j = gross_j - idle_power_w * window_s
    # One sensor period on each side of the window, at the mean power above idle.
    edges_j = 2.0 * info.period_s * max(above_idle_j, 0.0) / window_s
    return Spent(gross_j, above_idle_j, 2.0 * info.resolution_j + edges_j)
