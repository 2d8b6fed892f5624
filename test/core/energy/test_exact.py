# SPDX-License-Identifier: Apache-2.0
"""Joules of a window are bounded by an honest error, and unknown rather than zero."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.energy import between
from coinfer_ros.core.ports import PowerReading, SensorInfo

INFO = SensorInfo("simulated", "a board", period_s=0.1, resolution_j=0.01)


def reading(at_s, energy_j, breaks=0):
    return PowerReading(at_s=at_s, power_w=0.0, energy_j=energy_j, busy_s=0.0, breaks=breaks)


def spent(before, after):
    return between(INFO, before, after, idle_power_w=5.0)


def test_idle_power_is_taken_off_and_the_error_covers_period_and_resolution():
    result = spent(reading(1.0, 100.0), reading(3.0, 130.0))
    assert result.gross_j == pytest.approx(30.0)
    assert result.above_idle_j == pytest.approx(20.0)
    # Two counter steps, and a sensor period at either end at 10 W above idle.
    assert result.error_j == pytest.approx(0.02 + 2 * 0.1 * 10.0)
    assert result.known


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(reading(1.0, 5.0), reading(1.29, 5.0), id="under three periods"),
        pytest.param(reading(1.0, 5.0), reading(3.0, 4.0), id="the counter ran backwards"),
        pytest.param(reading(1.0, 5.0), reading(3.0, 9.0, breaks=1), id="the thread was lost"),
        pytest.param(reading(1.0, math.nan), reading(3.0, math.nan), id="no counter"),
    ],
)
def test_a_window_that_cannot_be_told_is_unknown_and_not_zero(before, after):
    result = spent(before, after)
    assert math.isnan(result.gross_j)
    assert math.isnan(result.above_idle_j)
    assert not result.known


def test_three_periods_are_enough():
    assert spent(reading(1.0, 5.0), reading(1.31, 7.0)).known


def test_phases_add_up_with_their_errors():
    first = spent(reading(0.0, 0.0), reading(1.0, 10.0))
    second = spent(reading(1.0, 10.0), reading(2.0, 30.0))
    both = first + second
    assert both.gross_j == pytest.approx(30.0)
    assert both.error_j == pytest.approx(first.error_j + second.error_j)
