# SPDX-License-Identifier: Apache-2.0
"""Measures how often a sensor's energy counter really moves: boards differ, and none says it."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

from coinfer_ros.core.checks import number
from coinfer_ros.core.ports import Sensor


def measured_period_s(
    sensor: Sensor,
    *,
    within_s: float = 3.0,
    pause_s: float = 0.001,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Watch the energy counter and return the median time between two changes of it, s.

    It is late by up to one look, so it is good to about ``pause_s`` plus the time of a look.

    :param within_s: how long to watch, s; no longer whatever comes.
    :param pause_s: time between two looks, s.
    :returns: NaN when the counter did not change three times, or there is none.
    :raises InvalidInput: when a time is not positive.
    :raises Unavailable: when the sensor goes away meanwhile.
    """
    number("pause_s", pause_s, above=0.0, unit="s")
    number("within_s", within_s, above=0.0, unit="s")
    changes = list(_changes_s(sensor, within_s, pause_s, sleep))
    if len(changes) < 3:
        return math.nan
    return statistics.median(after - before for before, after in pairwise(changes))


def _changes_s(
    sensor: Sensor, within_s: float, pause_s: float, sleep: Callable[[float], None]
) -> Iterator[float]:
    """Yield when the counter was first seen to have moved."""
    first = before = sensor.sample()
    for _ in range(math.ceil(within_s / pause_s)):  # ends even when the sensor's clock stands still
        sleep(pause_s)
        after = sensor.sample()
        if after.at_s - first.at_s > within_s:
            return
        if not math.isnan(after.counter_j):
            if after.counter_j > before.counter_j:
                yield after.at_s
            before = after
