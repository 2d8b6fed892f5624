# SPDX-License-Identifier: Apache-2.0
"""Tests of each law by itself: its density, its limit, and the gamma's greatest likelihood."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from coinfer_ros.core.distribution import Exponential, Gamma, HalfNormal, Law, fit
from coinfer_ros.core.magnitudes import Magnitudes

LAWS: list[tuple[Law, stats.rv_continuous]] = [
    (Exponential(3.0, 0.0), stats.expon(scale=1 / 3.0)),
    (HalfNormal(0.4, 0.0), stats.halfnorm(scale=0.4)),
    *((Gamma(k, 0.0, 0.7, 0.0), stats.gamma(k, scale=0.7)) for k in (0.6, 1.0, 4.0)),
]


@pytest.mark.parametrize(("law", "same"), LAWS)
def test_a_density_is_the_slope_of_the_cumulative_probability(
    law: Law, same: stats.rv_continuous
) -> None:
    ends = np.array([0.3, 1.1])
    low, high = law.cumulative(ends)
    area, _ = integrate.quad(lambda t: float(law.density(np.float64(t))), *ends, epsabs=1e-12)
    assert area == pytest.approx(high - low, rel=0, abs=1e-11)
    assert law.cumulative(np.array([0.0, 1e9])).tolist() == [0.0, 1.0]
    assert law.density(ends) == pytest.approx(same.pdf(ends), rel=1e-12)


def test_an_exponential_is_a_gamma_of_shape_one() -> None:
    magnitudes = np.linspace(0.01, 3.0, 50)
    exponential, gamma = Exponential(4.0, 0.0), Gamma(1.0, 0.0, 0.25, 0.0)
    # 1 - exp(-x) is known to a rounding, the incomplete gamma function to a few.
    assert exponential.density(magnitudes) == pytest.approx(gamma.density(magnitudes), rel=1e-14)
    assert exponential.cumulative(magnitudes) == pytest.approx(gamma.cumulative(magnitudes))


@pytest.mark.parametrize("law", [Exponential(math.inf, math.inf), HalfNormal(0.0, 0.0)])
def test_the_limit_of_weights_that_are_all_zero_has_all_its_mass_there(law: Law) -> None:
    magnitudes = np.array([0.0, 1e-45, 1.0])
    with np.errstate(all="raise"):
        assert law.cumulative(magnitudes).tolist() == [1.0, 1.0, 1.0]
        assert law.density(magnitudes).tolist() == [math.inf, 0.0, 0.0]


@pytest.mark.parametrize("spread", [2.0**-6, 2.0**-8])
def test_a_gamma_law_of_two_near_magnitudes_has_the_shape_of_their_distance(spread: float) -> None:
    found = fit(Magnitudes().add([1.0, 1.0 + spread])).gamma
    assert found is not None
    # ln of the mean less the mean of ln is d²/8 - d³/8 + ..., and 1/(2k) + 1/(12k²) - ...; each is
    # known to some roundings of 2^-53.
    rounding = 4 * 2.0**-53 / (spread**2 / 8)
    assert found.law.shape == pytest.approx(4 / spread**2, rel=2 * spread + rounding)


@given(st.floats(0.01, 100.0), st.integers(2, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_no_other_gamma_law_is_likelier(shape: float, count: int, seed: int) -> None:
    magnitudes = np.random.default_rng(seed).gamma(shape, size=count).astype(np.float32)
    found = fit(Magnitudes().add(magnitudes)).gamma
    values = magnitudes[magnitudes > 0].astype(np.float64)
    if found is None:  # all but one have become 0, or the shape would pass 10^6
        assert len(values) < 2 or np.ptp(values) < 0.01 * values.mean()
        return

    def mean(k: float, s: float) -> float:
        return float(stats.gamma(k, scale=s).logpdf(values).mean())

    top = mean(found.law.shape, found.law.scale)
    # Terms of k times a logarithm cancel, each with a few roundings, here and in SciPy.
    k, s = found.law.shape, found.law.scale
    greatest = k * (abs(math.log(k)) + abs(math.log(s)) + float(np.abs(np.log(values)).max()) + 2)
    assert found.log_likelihood_nats == pytest.approx(top, rel=0, abs=1e-12 + 2.0**-50 * greatest)
    for factor in (0.99, 1.01):
        assert mean(found.law.shape * factor, found.law.scale) < top
        assert mean(found.law.shape, found.law.scale * factor) < top
