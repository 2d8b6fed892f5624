# SPDX-License-Identifier: Apache-2.0
"""Repeats work, and says of many durations what matters: median, 95th and 99th percentile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True)
class Spread:
    """Percentiles of one quantity, in its own unit."""

    p50: float
    p95: float
    p99: float

    def cells(self, scale: float, digits: int = 2) -> tuple[str, str, str]:
        """Return the three as text.

        :param scale: one unit of ours in units of the column, 1e3 for ms.
        """
        p50, p95, p99 = (f"{value * scale:.{digits}f}" for value in (self.p50, self.p95, self.p99))
        return p50, p95, p99


def spread(values: Sequence[float]) -> Spread:
    """Return the percentiles of ``values``, which must not be empty."""
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return Spread(float(p50), float(p95), float(p99))


def timed(work: Callable[[], object], *, rounds: int, warm_up: int = 10) -> Spread:
    """Return how long ``work`` takes, s, after some rounds that do not count."""
    for _ in range(warm_up):
        work()
    durations = []
    for _ in range(rounds):
        begun_s = time.perf_counter()
        work()
        durations.append(time.perf_counter() - begun_s)
    return spread(durations)
