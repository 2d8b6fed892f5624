# SPDX-License-Identifier: Apache-2.0
"""Tests of every step from the entropies to the two bounds, by quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from coinfer_ros.core import bound_terms
from coinfer_ros.core import rate_distortion as rd
from coinfer_ros.core.errors import InvalidInput

LAMBDAS = st.floats(1e-6, 1e6)
DISTORTIONS = st.floats(1e-6, 1e6)
# 1/λ + D·λD/(λD + 1), computed apart and rounded to what is written.
NOISY = [(1.0, 0.3, 1.0692307692), (5.0, 0.02, 0.2018181818), (0.7, 2.0, 2.5952380952)]


def entropy_bits(density: Callable[[float], float], *cuts: float) -> float:
    """Return -∫ p log2 p between the first and the last cut."""

    def integrand(x: float) -> float:
        p = density(x)
        return -p * math.log2(p) if p > 0 else 0.0

    parts = [
        integrate.quad(integrand, low, high, epsabs=1e-13, epsrel=1e-12, limit=200)[0]
        for low, high in pairwise(cuts)
    ]
    return math.fsum(parts)


def noisy_density(y: float, x: float) -> float:
    """Return the density at y of Θ + Z for λ = 1 and D = x, the convolution done by hand."""
    if y < 0:
        return math.exp(y / x) / (2.0 * (1.0 + x))
    inside = (math.exp(-y) - math.exp(-y / x)) / (2.0 * (1.0 - x))
    return inside + math.exp(-y) / (2.0 * (1.0 + x))


@pytest.mark.parametrize("weight_rate", [0.2, 1.0, 35.0])
def test_the_entropy_of_a_magnitude_is_that_of_its_law(weight_rate: float) -> None:
    end = 60.0 / weight_rate  # what is left out is 60·e^-60
    found = entropy_bits(stats.expon(scale=1.0 / weight_rate).pdf, 0.0, end / 10, end)
    assert bound_terms.source_entropy_bits(weight_rate) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("distortion", [0.01, 1.0, 7.0])
def test_the_entropy_of_the_noise_is_that_of_laplace(distortion: float) -> None:
    end = 60.0 * distortion
    cuts = (-end, -end / 10, 0.0, end / 10, end)
    found = entropy_bits(stats.laplace(scale=distortion).pdf, *cuts)
    assert bound_terms.noise_entropy_bits(distortion) == pytest.approx(found, abs=1e-9)


@given(DISTORTIONS)
def test_gaussian_and_uniform_noise_of_the_same_magnitude_have_less_entropy(d: float) -> None:
    gaussian = 0.5 * math.log2(2.0 * math.pi * math.e * (d * math.sqrt(math.pi / 2.0)) ** 2)
    uniform = math.log2(4.0 * d)
    # ½log2(π²e) = 2.373, log2 4 = 2, log2 2e = 2.443 beside log2 D.
    assert uniform < gaussian < bound_terms.noise_entropy_bits(d)


@given(st.floats(0.2, 8.0), DISTORTIONS)
def test_no_power_of_laplace_has_more_entropy(power: float, distortion: float) -> None:
    # exp(-|z/a|^β): E|Z| = a Γ(2/β)/Γ(1/β), h = 1/β + ln(2aΓ(1/β)/β), in nats.
    log_scale = math.lgamma(1.0 / power) - math.lgamma(2.0 / power) + math.log(distortion)
    nats = 1.0 / power + math.log(2.0 / power) + log_scale + math.lgamma(1.0 / power)
    assert nats / math.log(2.0) <= bound_terms.noise_entropy_bits(distortion) + 1e-12


@given(st.lists(st.tuples(st.floats(1e-3, 1.0), st.floats(1e-3, 1.0)), min_size=1, max_size=12))
def test_no_histogram_of_noise_has_more_entropy(cells: list[tuple[float, float]]) -> None:
    widths, masses = np.array(cells).T
    masses = masses / masses.sum()
    edges = np.concatenate(([0.0], np.cumsum(widths)))
    distortion = float(masses @ (edges[:-1] + edges[1:]) / 2.0)  # the same on either side of 0
    entropy = float(-masses @ np.log2(masses / (2.0 * widths)))
    assert entropy < bound_terms.noise_entropy_bits(distortion)


@given(st.floats(1e-6, 0.5), LAMBDAS)
def test_the_lower_bound_is_the_difference_of_the_entropies(x: float, weight_rate: float) -> None:
    distortion = x / weight_rate
    difference = bound_terms.source_entropy_bits(weight_rate) - bound_terms.noise_entropy_bits(
        distortion
    )
    # Terms below 45 bits, some four roundings each.
    assert rd.lower_rate(distortion, weight_rate) == pytest.approx(max(difference, 0.0), abs=4e-14)


@pytest.mark.parametrize(("weight_rate", "distortion", "printed"), NOISY)
def test_the_mean_noisy_magnitude_agrees_with_a_double_integral(
    weight_rate: float, distortion: float, printed: float
) -> None:
    def integrand(z: float, theta: float) -> float:
        noise = math.exp(-abs(z) / distortion) / (2.0 * distortion)
        return abs(theta + z) * noise * weight_rate * math.exp(-weight_rate * theta)

    far, end = 45.0 * distortion, 45.0 / weight_rate
    total = 0.0
    # Between the kinks at z = -θ and z = 0; beyond 45 means there is less than 1e-17.
    for low, high in [(lambda t: -t - far, lambda t: -t), (lambda t: -t, 0.0), (0.0, far)]:
        total += integrate.dblquad(integrand, 0.0, end, low, high, epsabs=1e-10, epsrel=1e-10)[0]
    found = bound_terms.mean_noisy_magnitude(distortion, weight_rate)
    assert found == pytest.approx(total, rel=1e-8)
    assert found == pytest.approx(printed, abs=0.501e-10, rel=0)


def test_the_mean_noisy_magnitude_of_great_noise_is_the_noise_s() -> None:
    # D·λD/(λD + 1) = D - 1/λ + ..., so that the sum is D; D² would overflow.
    assert bound_terms.mean_noisy_magnitude(1e300) == pytest.approx(1e300, rel=2.0**-51)


@given(DISTORTIONS, LAMBDAS)
def test_the_upper_bound_is_the_step_from_noise_to_noisy_magnitude(d: float, rate: float) -> None:
    mean = bound_terms.mean_noisy_magnitude(d, rate)
    steps = bound_terms.noise_entropy_bits(mean) - bound_terms.noise_entropy_bits(d)
    assert rd.upper_rate(d, rate) == pytest.approx(steps, rel=1e-13, abs=4e-14)


@pytest.mark.parametrize("x", [0.01, 0.1, 0.3, 0.69])
def test_the_test_channel_lies_between_the_exact_curve_and_the_upper_bound(x: float) -> None:
    cuts = (-60.0 * x, -6.0 * x, 0.0, 6.0 * x, 6.0, 60.0)
    mass = sum(
        integrate.quad(noisy_density, low, high, args=(x,), epsabs=1e-13)[0]
        for low, high in pairwise(cuts)
    )
    assert mass == pytest.approx(1.0, abs=1e-11)
    information = entropy_bits(lambda y: noisy_density(y, x), *cuts)
    information -= bound_terms.noise_entropy_bits(x)
    assert rd.exact_rate(x) < information < rd.upper_rate(x)


@given(st.floats(0.01, 31.0), st.floats(0.01, 1.0), LAMBDAS)
def test_the_gap_falls_and_is_convex_in_the_bits(low: float, width: float, rate: float) -> None:
    begin, middle, end = (bound_terms.gap(low + part * width, rate) for part in (0.0, 0.5, 1.0))
    assert begin > middle > end > 0.0
    assert 2.0 * middle < begin + end


@given(st.floats(0.0, 32.0), LAMBDAS)
def test_the_weight_rate_only_scales_the_gap(rate_bits: float, weight_rate: float) -> None:
    # Some three roundings in either bound, and their difference is half of the greater at least.
    scaled = bound_terms.gap(rate_bits, weight_rate) * weight_rate
    assert scaled == pytest.approx(bound_terms.gap(rate_bits), rel=4e-15)


@given(st.floats(0.1, 8.0))
def test_the_gap_is_the_formula_in_levels(rate_bits: float) -> None:
    u = 2.0**rate_bits
    expected = 0.5 * (math.sqrt((u + 3.0) / (u - 1.0)) - 1.0 - 1.0 / u)
    # The formula takes 1 from what is near 1 + 2/u, a few 1e-16 of it being lost, so u times that.
    assert bound_terms.gap(rate_bits) == pytest.approx(expected, rel=4e-15 * (u + 1.0 / (u - 1.0)))


def test_at_rate_zero_the_gap_is_infinite_and_arrays_are_taken() -> None:
    assert bound_terms.gap(0.0) == math.inf
    gaps = np.asarray(bound_terms.gap(np.array([1.0, 31.0]), 2.0))
    assert gaps.tolist() == [bound_terms.gap(1.0, 2.0), bound_terms.gap(31.0, 2.0)]


@settings(max_examples=200)
@given(st.fractions(min_value=1, max_value=2**32))
def test_the_polynomials_behind_fall_and_convexity_are_what_they_are_said_to_be(
    u: Fraction,
) -> None:
    falls = u**4 - 6 * u**2 + 8 * u - 3
    assert (u - 1) ** 3 * (u + 3) == falls
    assert falls < 4 * u**4
    convex = u**4 + 8 * u**2 + 12 * u - 9
    assert 2 * u**2 * (u**2 + 2 * u + 3) - (u**2 + 2 * u - 3) ** 2 == convex
    assert convex > 0


@pytest.mark.parametrize("bits", range(2, 33))
def test_the_slope_and_curvature_of_the_gap_have_their_sign_at_every_width(bits: int) -> None:
    # In ln u: h' = -2uh/((u+3)(u-1)), h'' = 2u(u²+2u+3)h/((u+3)(u-1))², with h² = (u+3)/(u-1) and
    # 2(D^U - D^L) = h - 1 - 1/u; both squared, so that all is rational.
    u = Fraction(2) ** (bits - 1)
    h_squared, product = (u + 3) / (u - 1), (u + 3) * (u - 1)
    assert (2 * u / product) ** 2 * h_squared > (1 / u) ** 2
    assert (2 * u * (u**2 + 2 * u + 3) / product**2) ** 2 * h_squared > (1 / u) ** 2


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_what_is_out_of_range_is_refused(bad: float) -> None:
    for weight_rate in (
        lambda: bound_terms.source_entropy_bits(bad),
        lambda: bound_terms.mean_noisy_magnitude(1.0, bad),
        lambda: bound_terms.gap(1.0, bad),
    ):
        with pytest.raises(InvalidInput, match=r"^weight_rate must be in .*, got "):
            weight_rate()
    for distortion in (bound_terms.noise_entropy_bits, bound_terms.mean_noisy_magnitude):
        with pytest.raises(InvalidInput, match=r"^distortion must be above 0 weight units, got "):
            distortion(bad)
