# SPDX-License-Identifier: Apache-2.0
"""Tests of the best uniform step against a printed table, a search and its condition."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy import optimize

from coinfer_ros.core.quantizers.law import mean_error
from coinfer_ros.core.quantizers.uniform_l1 import dequantize, quantize, unit_step

STEPS = {2: 1.0746, 3: 0.7129, 4: 0.4412, 5: 0.2627, 6: 0.1525, 7: 0.0869, 8: 0.0488, 9: 0.0271}


@pytest.mark.parametrize("bits", STEPS)
def test_the_steps_are_the_table_s_to_the_last_digit(bits: int) -> None:
    assert unit_step(bits) == pytest.approx(STEPS[bits], abs=0.5001e-4)


def test_a_single_level_is_the_median() -> None:
    assert unit_step(1) == pytest.approx(2.0 * math.log(2.0), rel=1e-15)


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 8])
def test_no_other_step_has_less_error(bits: int) -> None:
    index = np.arange(2.0 ** (bits - 1))

    def error(step: float) -> float:
        return mean_error((index + 0.5) * step, index * step)

    found = optimize.minimize_scalar(error, bounds=(1e-3, 2.0), method="bounded").x
    # A minimum is known to the square root of the error's own rounding, ten times that to spare.
    assert unit_step(bits) == pytest.approx(found, abs=1e-5)
    assert error(unit_step(bits)) <= error(found) + 1e-14


@pytest.mark.parametrize("bits", range(1, 17))
def test_the_slope_changes_its_sign_at_the_step(bits: int) -> None:
    with localcontext() as context:
        context.prec = 60
        n = 2 ** (bits - 1)

        def slope(half_step: Decimal) -> Decimal:
            y = (-half_step).exp()
            return 1 + y * y - 2 * (-2 * n * half_step).exp() * (2 * n + (2 * n - 1) * y)

        half = Decimal(unit_step(bits)) / 2
        # float64 carries exp(-2nh) to 2nh roundings of 2^-53, and 2nh stays below 12.
        spread = Decimal(2) ** -48
        assert slope(half * (1 - spread)) < 0 < slope(half * (1 + spread))


def test_a_magnitude_goes_down_to_a_bound_and_stops_at_the_last_level() -> None:
    step = np.float32(unit_step(3))
    weights = np.array([[0.0, -0.0, 0.9, -1.1, 3.9, -4.1, 1e30, -1e30]], np.float32) * step
    codes = quantize(weights, np.ones(1, np.float32), 3)
    assert codes.tolist() == [[0, -1, 0, -2, 3, -4, 3, -4]]
    back = dequantize(codes, np.ones(1, np.float32), 3)
    assert (back / step).tolist() == [[0.5, -0.5, 0.5, -1.5, 3.5, -3.5, 3.5, -3.5]]


def test_both_signs_have_the_same_bounds() -> None:
    weights = np.random.default_rng(3).laplace(size=(2, 5000)).astype(np.float32)
    ones = np.ones(2, np.float32)
    assert (quantize(-weights, ones, 5) == -quantize(weights, ones, 5) - 1).all()
