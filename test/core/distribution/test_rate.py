# SPDX-License-Identifier: Apache-2.0
"""Tests of the fit of the weights' rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from coinfer_ros.core.distribution import RateFit, fit_rate
from coinfer_ros.core.errors import InvalidInput

MAGNITUDES = st.lists(
    st.floats(1e-6, 1e6).flatmap(lambda m: st.sampled_from([m, -m])), min_size=1, max_size=50
)


@given(MAGNITUDES)
def test_no_other_rate_is_likelier(weights: list[float]) -> None:
    fit = fit_rate(weights)
    total = sum(abs(w) for w in weights)

    def minus_log_likelihood(log_rate: float) -> float:
        return math.exp(log_rate) * total - len(weights) * log_rate

    best = optimize.minimize_scalar(minus_log_likelihood, bracket=(-20.0, 20.0), tol=1e-10)
    # The likelihood is flat at its top: its argument is known to the root of its precision only.
    assert math.log(fit.rate) == pytest.approx(best.x, abs=1e-6)


def test_the_rate_of_many_samples_lies_within_five_standard_errors() -> None:
    weights = np.random.default_rng(7).laplace(scale=1 / 40.0, size=(500, 400)).astype(np.float32)
    fit = fit_rate(weights)
    assert fit.count == 200_000
    assert fit.standard_error == fit.rate / math.sqrt(200_000)
    assert abs(fit.rate - 40.0) < 5 * fit.standard_error


@given(MAGNITUDES, st.sampled_from([0.25, 2.0, 1024.0]))
def test_scaling_the_weights_divides_the_rate(weights: list[float], factor: float) -> None:
    scaled = fit_rate([w * factor for w in weights])
    assert scaled.rate == fit_rate(weights).rate / factor  # exact: the factor is a power of 2


def test_half_precision_weights_do_not_overflow_their_sum() -> None:
    assert fit_rate(np.full(1000, 1000.0, np.float16)).rate == 1e-3


def test_the_least_integer_has_a_magnitude() -> None:
    assert fit_rate(np.array([-128], np.int8)).rate == 1 / 128


@pytest.mark.parametrize("weights", [[0.0, -0.0], [0, 0], [5e-324, 0.0]])
def test_weights_without_a_magnitude_have_an_infinite_rate(weights: list[float]) -> None:
    assert fit_rate(weights) == RateFit(math.inf, math.inf, 2)


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        ([], "at least one number"),
        ([1.0, math.nan], "finite"),
        ([1.0, -math.inf], "finite"),
        ([1.7e308, 1.7e308], "finite"),
        ([1j], "real numbers"),
        (["a"], "real numbers"),
        ([True], "real numbers"),
        ([[1.0], [1.0, 2.0]], "real numbers, got lists of unequal lengths"),
    ],
)
def test_weights_without_a_rate_are_refused(weights: list[object], rule: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^weights must .*{rule}"):
        fit_rate(weights)
