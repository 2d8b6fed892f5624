# SPDX-License-Identifier: Apache-2.0
"""The clock of least energy where one machine does all the work."""

from __future__ import annotations

from coinfer_ros.core.costs import Processor


def clock_in_time(
    machine: Processor, flop: float, delay_s: float, *, beside_s: float = 0.0
) -> float | None:
    """Return the clock of least energy that does ``flop`` in time, Hz; None if none does.

    :param flop: FLOP.
    :param delay_s: greatest delay, s, finite.
    :param beside_s: what of it is taken by something else, s.
    """
    left_s = delay_s - beside_s
    if left_s <= 0.0 or machine.delay_s(flop, machine.clock_max_hz) + beside_s > delay_s:
        return None
    cheapest_hz: float = (machine.static_w / (2.0 * machine.power_coefficient)) ** (1 / 3)
    clock_hz = max(flop / machine.flop_per_cycle / left_s, cheapest_hz)
    while machine.delay_s(flop, clock_hz) + beside_s > delay_s:  # by rounding
        clock_hz *= 1.0 + 2.0**-52
    return min(clock_hz, machine.clock_max_hz)
