# SPDX-License-Identifier: Apache-2.0
"""Follows an energy counter through wraps, resets and jumps."""

from __future__ import annotations

import math

# No machine that this package runs on draws more; a counter that says so has lost the thread.
MOST_W = 10_000.0


class Unwrapped:
    """The steps of one counter.

    :param wraps_at_j: where it begins again at 0, J; infinity: it only ever rises.

    >>> counter = Unwrapped(100.0)
    >>> [counter.step_j(raw, elapsed_s=1.0) for raw in (90.0, 97.0, 3.0)]
    [nan, 7.0, 6.0]
    """

    def __init__(self, wraps_at_j: float = math.inf) -> None:
        self._wraps_at_j = wraps_at_j
        self._last_j = math.nan

    def step_j(self, raw_j: float, *, elapsed_s: float) -> float:
        """Return the energy since the last look, J; NaN at the first, and after a reset or a jump.

        A fall is a wrap where what it would then have counted can have been drawn in
        ``elapsed_s``, else a reset: of the driver, or of the machine.

        :param raw_j: what the counter shows, J.
        :param elapsed_s: time since the last look, s.
        """
        step_j = raw_j - self._last_j
        self._last_j = raw_j
        if step_j < 0.0:
            step_j += self._wraps_at_j
        return step_j if 0.0 <= step_j <= MOST_W * elapsed_s else math.nan
