# SPDX-License-Identifier: Apache-2.0
"""The weights' error, the constants that turn it into an output's, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coinfer_ros.core.distortion import (
    ParameterDistortion,
    empirical_constant,
    gradient_bound,
    parameter_distortion,
)
from coinfer_ros.core.errors import InvalidInput

VALUES = arrays.arrays(np.float32, (3, 4), elements=st.floats(-8.0, 8.0, width=16))


@settings(max_examples=50)
@given(VALUES, VALUES)
def test_it_is_the_sum_and_the_mean_of_the_absolute_errors(weights, quantized) -> None:
    found = parameter_distortion(weights, quantized)
    expected = math.fsum(
        abs(float(a) - float(b)) for a, b in zip(weights.flat, quantized.flat, strict=True)
    )
    assert found.total == pytest.approx(expected, rel=16 * 2.0**-53)
    assert found.mean == found.total / 12
    assert found == parameter_distortion(quantized, weights)


@settings(max_examples=50)
@given(VALUES, arrays.arrays(np.float32, (3, 4), elements=st.floats(0.0, 8.0, width=16)))
def test_where_signs_are_kept_the_magnitudes_have_the_same_error(weights, magnitudes) -> None:
    kept = np.copysign(magnitudes, weights)
    of_magnitudes = parameter_distortion(np.abs(weights), magnitudes)
    assert parameter_distortion(weights, kept) == of_magnitudes


@settings(max_examples=50)
@given(arrays.arrays(float, (4, 5), elements=st.integers(0, 1000).map(float)))
def test_the_constant_is_the_least_that_bounds_every_measurement(outputs) -> None:
    moved = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    constant = empirical_constant(outputs, moved)
    bounds = [gradient_bound(constant, ParameterDistortion(error, 7)) for error in moved]
    assert (outputs <= bounds).all()
    assert (outputs == bounds).any()  # divided by a power of two, the greatest is met exactly


def test_a_width_without_any_error_says_nothing_of_the_constant() -> None:
    assert empirical_constant([6.0, 0.0], [2.0, 0.0]) == 3.0


@pytest.mark.parametrize(
    ("outputs", "parameters", "message"),
    [
        ([1.0, 1.0], [2.0, 0.0], "parameter_errors must be above 0 where the output moved"),
        ([0.0], [0.0], "parameter_errors must be above 0 where the output moved"),
        ([1.0], [1.0, 2.0], r"output_errors must be \(S, 2\) and at least 0, got shape \(1, 1\)"),
        ([-1.0], [1.0], r"output_errors must be \(S, 1\) and at least 0"),
        ([math.inf], [1.0], "output_errors must be finite real numbers"),
        ([], [], "parameter_errors must be a list of one number or more"),
        ([1.0], [-1.0], r"parameter_errors\[0\] must be at least 0, got -1.0"),
    ],
)
def test_what_was_not_measured_is_refused(outputs, parameters, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        empirical_constant(outputs, parameters)


@pytest.mark.parametrize(
    ("weights", "quantized", "message"),
    [
        ([1.0], [1.0, 2.0], "quantized must have the shape of weights"),
        ([], [], "quantized must have the shape of weights, not empty"),
        ([math.nan], [1.0], "weights must be finite real numbers"),
        ([1.0], ["a"], "quantized must be real numbers, got 'a'"),
        ([1e308, 1e308], [-1e308, 0.0], "quantized must be within a finite sum of weights"),
    ],
)
def test_weights_that_do_not_agree_are_refused(weights, quantized, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        parameter_distortion(weights, quantized)


def test_more_weights_than_four_bytes_count_have_a_mean() -> None:
    assert ParameterDistortion(3.0 * 2**40, 2**40).mean == 3.0


def test_a_distortion_and_a_steepness_are_at_least_nothing() -> None:
    with pytest.raises(InvalidInput, match="total must be"):
        ParameterDistortion(-1.0, 1)
    with pytest.raises(InvalidInput, match="count must be"):
        ParameterDistortion(1.0, 0)
    with pytest.raises(InvalidInput, match="steepness must be"):
        gradient_bound(math.inf, ParameterDistortion(1.0, 1))
