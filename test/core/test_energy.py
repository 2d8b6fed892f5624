# SPDX-License-Identifier: Apache-2.0
"""Joules of a window are bounded by an honest error, and unknown rather than zero."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.energy import spent
from coinfer_ros.core.ports import PowerReading


class Meter:
    idle_power_w = 5.0
    period_s = 0.1
    resolution_j = 0.01

    def read(self):
        raise NotImplementedError


def reading(at_s, energy_j):
    return PowerReading(at_s=at_s, power_w=0.0, energy_j=energy_j, busy_s=0.0)


def test_idle_power_is_taken_off_and_the_error_covers_period_and_resolution():
    result = spent(Meter(), reading(1.0, 100.0), reading(3.0, 130.0))
    assert result.gross_j == pytest.approx(30.0)
    assert result.above_idle_j == pytest.approx(20.0)
    # Two counter steps, and a sensor period at either end at 10 W above idle.
    assert result.error_j == pytest.approx(0.02 + 2 * 0.1 * 10.0)


def test_a_window_under_three_periods_is_unknown_and_not_zero():
    assert math.isnan(spent(Meter(), reading(1.0, 5.0), reading(1.29, 5.0)).above_idle_j)
    assert not math.isnan(spent(Meter(), reading(1.0, 5.0), reading(1.31, 7.0)).above_idle_j)


def test_a_counter_that_ran_backwards_is_unknown():
    assert math.isnan(spent(Meter(), reading(1.0, 5.0), reading(3.0, 4.0)).gross_j)


def test_phases_add_up_with_their_errors():
    first = spent(Meter(), reading(0.0, 0.0), reading(1.0, 10.0))
    second = spent(Meter(), reading(1.0, 10.0), reading(2.0, 30.0))
    both = first + second
    assert both.gross_j == pytest.approx(30.0)
    assert both.error_j == pytest.approx(first.error_j + second.error_j)
