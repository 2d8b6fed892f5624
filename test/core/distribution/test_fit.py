# SPDX-License-Identifier: Apache-2.0
"""Tests of the fitted laws: parameters, distances, likelihoods against SciPy on raw weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from scipy import stats

from coinfer_ros.core.distribution import (
    Distance,
    Exponential,
    Fit,
    Gamma,
    HalfNormal,
    fit,
    fit_rate,
)
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Magnitudes

SAMPLES = 200_000


def arrays(dtype: type, *, bits: int) -> st.SearchStrategy[NDArray[np.floating]]:
    # Two magnitudes that differ at least, so that there is a gamma law.
    limit = float(np.float16(1000.0))
    return hnp.arrays(
        dtype, st.integers(2, 60), elements=st.floats(-limit, limit, width=bits)
    ).filter(lambda values: len(np.unique(np.abs(values[values != 0]))) > 1)


def sample(name: str, dtype: type, seed: int = 5) -> NDArray[np.floating]:
    rng = np.random.default_rng(seed)
    drawn = {
        "exponential": lambda: rng.laplace(scale=0.02, size=SAMPLES),
        "half_normal": lambda: rng.normal(scale=0.02, size=SAMPLES),
        "gamma": lambda: rng.gamma(0.6, 0.02, size=SAMPLES),
    }
    return drawn[name]().astype(dtype)


def frozen(law: object) -> stats.rv_continuous:
    """Return SciPy's law of the same name and parameters."""
    if isinstance(law, Exponential):
        return stats.expon(scale=1.0 / law.rate)
    if isinstance(law, HalfNormal):
        return stats.halfnorm(scale=law.scale)
    assert isinstance(law, Gamma)
    return stats.gamma(law.shape, scale=law.scale)


def with_magnitudes(found: Fit, weights: NDArray[np.floating]) -> list[tuple[object, object]]:
    """Pair each fitted law with the magnitudes that it was fitted to."""
    magnitudes = np.abs(weights.astype(np.float64)).ravel()
    pairs = [(found.exponential, magnitudes), (found.half_normal, magnitudes)]
    return [*pairs, *([(found.gamma, magnitudes[magnitudes > 0])] if found.gamma else [])]


@settings(max_examples=25)
@given(arrays(np.float16, bits=16))
def test_the_distance_to_half_precision_is_that_of_scipy(weights: NDArray[np.float16]) -> None:
    for fitted, magnitudes in with_magnitudes(fit(Magnitudes().add(weights)), weights):
        assert fitted.distance.low == fitted.distance.high
        expected = stats.kstest(magnitudes, frozen(fitted.law).cdf).statistic
        assert fitted.distance.middle == pytest.approx(expected, rel=0, abs=1e-12)


@settings(max_examples=25)
@given(arrays(np.float32, bits=32))
def test_the_distance_to_single_precision_is_where_it_says(weights: NDArray[np.float32]) -> None:
    for fitted, magnitudes in with_magnitudes(fit(Magnitudes().add(weights)), weights):
        expected = stats.kstest(magnitudes, frozen(fitted.law).cdf).statistic
        assert fitted.distance.low - 1e-12 <= expected <= fitted.distance.high + 1e-12


@pytest.mark.parametrize("name", ["exponential", "half_normal", "gamma"])
def test_of_many_float32_weights_the_distance_is_known_to_a_thousandth(name: str) -> None:
    found = fit(Magnitudes().add(sample(name, np.float32)))
    for fitted in found.laws:
        # A bin is 2^-10 wide relative to θ, and no law here has more than θ·density = 0.6 in it,
        # nor the sample; the bracket is the sum of both.
        assert fitted.distance.high - fitted.distance.low < 2 * 0.6 * 2.0**-10 + 5 / SAMPLES


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", ["exponential", "half_normal", "gamma"])
def test_a_known_law_is_ranked_first_with_its_parameters(name: str, dtype: type) -> None:
    found = fit(Magnitudes().add(sample(name, dtype)))
    best = getattr(found, name)
    assert found.best is best
    assert best is found.laws[0]
    true = {
        "exponential": {"rate": 50.0},
        "half_normal": {"scale": 0.02},
        "gamma": {"shape": 0.6, "scale": 0.02},
    }[name]
    for field, value in true.items():
        error = getattr(best.law, f"{field}_error")
        assert abs(getattr(best.law, field) - value) < 5 * error
    # The law of the greatest difference of so many: P(√q D > 2.5) < 1e-5; fitting lessens it.
    assert best.distance.high < 2.5 / math.sqrt(SAMPLES) + 2 * 2.0**-10


@pytest.mark.parametrize("name", ["exponential", "half_normal", "gamma"])
def test_parameters_and_likelihoods_are_those_of_scipy_on_the_raw_weights(name: str) -> None:
    weights = sample(name, np.float32)
    found = fit(Magnitudes().add(weights))
    magnitudes = np.abs(weights.astype(np.float64))
    shape, _, scale = stats.gamma.fit(magnitudes, floc=0)
    assert found.gamma is not None
    # Both find the root of the same equation, SciPy to a relative 2e-12 of its bracket's end.
    assert found.gamma.law.shape == pytest.approx(shape, rel=1e-9)
    assert found.gamma.law.scale == pytest.approx(scale, rel=1e-9)
    assert found.half_normal.law.scale == pytest.approx(stats.halfnorm.fit(magnitudes, floc=0)[1])
    assert found.exponential.law.rate == pytest.approx(fit_rate(weights).rate, rel=1e-14)
    assert found.exponential.law.rate_error == pytest.approx(fit_rate(weights).standard_error)
    for fitted in found.laws:
        expected = frozen(fitted.law).logpdf(magnitudes).mean()
        assert fitted.log_likelihood_nats == pytest.approx(expected, rel=1e-11, abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["exponential", "half_normal", "gamma"])
def test_standard_errors_are_the_spread_of_many_fits(name: str) -> None:
    parts = sample(name, np.float32).reshape(400, -1)
    fits = [getattr(fit(Magnitudes().add(part)), name).law for part in parts]
    for field in ("rate", "scale", "shape"):
        if hasattr(fits[0], field):
            spread = np.std([getattr(law, field) for law in fits], ddof=1)
            told = np.mean([getattr(law, f"{field}_error") for law in fits])
            # A spread of 400 is known to 1/√800; five of those, and a bias of order 1/500.
            assert told == pytest.approx(spread, rel=5 / math.sqrt(800) + 0.01)


def test_zeros_count_for_two_laws_and_are_told_apart_for_the_third() -> None:
    weights = np.array([0.0, -0.0, 1.0, -3.0], np.float16)
    found = fit(Magnitudes().add(weights))
    assert (found.count, found.zeros, found.zero_share) == (4, 2, 0.5)
    assert found.exponential.law.rate == 1.0
    assert found.half_normal.law.scale == math.sqrt(2.5)
    assert found.gamma is not None
    without = fit(Magnitudes().add(weights[2:]))
    assert found.gamma == without.gamma
    assert found.exponential.distance.low == 0.5  # at 0 the weights' law is 1/2, this law's is 0


@pytest.mark.parametrize("zeros", [0.0, 0.01, 0.05, 0.5])
@pytest.mark.parametrize("name", ["exponential", "half_normal", "gamma"])
def test_zeros_among_the_weights_do_not_change_which_law_is_first(name: str, zeros: float) -> None:
    weights = sample(name, np.float32)
    weights[: round(zeros * SAMPLES)] = 0.0
    found = fit(Magnitudes().add(weights))
    assert found.zero_share == zeros
    assert found.best is getattr(found, name)
    assert found.gamma is not None
    assert found.gamma.log_likelihood_nats >= found.exponential.log_likelihood_nats
    # The rate and the scale are those of all weights still.
    assert found.exponential.law.rate == pytest.approx(fit_rate(weights).rate, rel=1e-14)
    square = np.square(weights, dtype=np.float64).mean()
    assert found.half_normal.law.scale == pytest.approx(math.sqrt(square), rel=1e-12)


def test_a_parameter_more_costs_by_the_weights_that_are_not_zero() -> None:
    ranks = (np.arange(50) + 0.5) / 50
    found = fit(Magnitudes().add(np.append((-np.log(ranks)) ** 1.1, np.zeros(10_000))))
    assert found.gamma is not None
    gain_nats = found.gamma.log_likelihood_nats - found.exponential.log_likelihood_nats
    assert 0.5 * math.log(10_050) / 10_050 < gain_nats < 0.5 * math.log(50) / 50
    assert found.best is found.exponential


def test_weights_that_are_all_zero_follow_the_limit_of_both_laws() -> None:
    found = fit(Magnitudes().add(np.zeros(7, np.float32)))
    assert found.exponential.law == Exponential(math.inf, math.inf)
    assert found.half_normal.law == HalfNormal(0.0, 0.0)
    assert found.exponential.distance == found.half_normal.distance == Distance(0.0, 0.0)
    assert found.gamma is None
    assert found.best is found.exponential


@pytest.mark.parametrize("weights", [[2.0], [2.0, -2.0, 0.0], [1.0, 1.0 + 2.0**-10]])
def test_magnitudes_that_are_all_but_the_same_have_no_gamma_law(weights: list[float]) -> None:
    found = fit(Magnitudes().add(weights))
    assert found.gamma is None
    assert len(found.laws) == 2


def test_nothing_has_no_law() -> None:
    with pytest.raises(InvalidInput, match=r"^magnitudes must hold at least one weight, got"):
        fit(Magnitudes())
