# SPDX-License-Identifier: Apache-2.0
"""A simulated clock keeps to its rate, makes up for little and runs slower where it must."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.pace import MOST_MADE_UP_S, Pace


def run(pace, until_s, *, work_s, wall_s=0.0, begin_s=0.0, tick_s=0.02):
    """Step a clock whose every tick takes ``work_s``; return simulated and wall time at the end."""
    now_s = begin_s
    while now_s < until_s:
        wall_s += pace.left_s(now_s + tick_s, wall_s) + work_s
        now_s += tick_s
        pace.passed(now_s, wall_s)
    return now_s, wall_s


@pytest.mark.parametrize("rate", [0.25, 1.0, 4.0])
def test_with_time_to_spare_the_clock_runs_at_its_rate(rate):
    pace = Pace(rate)
    simulated_s, wall_s = run(pace, 8.0, work_s=0.001)
    assert simulated_s / rate == pytest.approx(wall_s, abs=0.03 / rate)
    assert pace.factor == pytest.approx(rate, rel=0.01)


def test_a_machine_at_half_the_speed_runs_the_clock_at_half_and_skips_nothing():
    pace = Pace()
    simulated_s, wall_s = run(pace, 4.0, work_s=0.04)
    assert wall_s == pytest.approx(2.0 * simulated_s, rel=0.01)
    assert pace.factor == pytest.approx(0.5, rel=0.01)


def test_after_a_stall_only_a_little_is_made_up_for():
    pace = Pace()
    _, wall_s = run(pace, 1.0, work_s=0.0)
    stall_s = 3.0
    begun_s = wall_s + stall_s
    simulated_s, ended_s = run(pace, 2.0, work_s=0.0, wall_s=begun_s, begin_s=1.0)
    assert ended_s - begun_s == pytest.approx(simulated_s - 1.0 - MOST_MADE_UP_S, abs=0.03)


def test_a_pause_is_no_stall_and_takes_nothing_from_the_factor():
    pace = Pace()
    _, wall_s = run(pace, 1.0, work_s=0.0)
    pace.pause()
    assert math.isnan(pace.factor)
    run(pace, 2.0, work_s=0.0, wall_s=wall_s + 5.0, begin_s=1.0)
    assert pace.factor == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(InvalidInput, match="rate must be above 0"):
        Pace(rate)
