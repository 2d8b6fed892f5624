# SPDX-License-Identifier: Apache-2.0
"""A counter that wraps goes on, and one that began anew is never taken for energy."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.energy.counter import MOST_W, Unwrapped


@given(
    steps=st.lists(st.floats(0.0, 900.0), min_size=1, max_size=30),
    start_j=st.floats(0.0, 999.0),
)
def test_a_wrapping_counter_is_followed_step_by_step(steps, start_j):
    counter, true_j = Unwrapped(1000.0), start_j
    counter.step_j(true_j % 1000.0, elapsed_s=1.0)
    for step_j in steps:
        true_j += step_j
        found_j = counter.step_j(true_j % 1000.0, elapsed_s=1.0)
        # a step below the float's grain at a wrap may come out as a whole turn, which is none
        assert found_j % 1000.0 == pytest.approx(step_j, abs=1e-6) or found_j == pytest.approx(
            step_j, abs=1e-6
        )


def test_the_first_look_says_nothing():
    assert math.isnan(Unwrapped().step_j(5.0, elapsed_s=1.0))


@pytest.mark.parametrize(
    ("wraps_at_j", "looks", "why"),
    [
        (math.inf, (500.0, 2.0), "a counter that never wraps fell"),
        (262_144.0, (1000.0, 2.0), "a wrap would be 261 kJ in a second"),
        (math.inf, (0.0, MOST_W * 1.01), "more than any machine draws"),
    ],
)
def test_a_reset_or_a_jump_is_no_energy_and_the_next_step_counts_again(wraps_at_j, looks, why):
    counter = Unwrapped(wraps_at_j)
    counter.step_j(looks[0], elapsed_s=1.0)
    assert math.isnan(counter.step_j(looks[1], elapsed_s=1.0)), why
    assert counter.step_j(looks[1] + 3.0, elapsed_s=1.0) == pytest.approx(3.0)
