# SPDX-License-Identifier: Apache-2.0
"""Tests by quadrature of the proofs in docs/theory.md: the exact curve, and weights with a sign."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from coinfer_ros.core import bound_terms
from coinfer_ros.core import rate_distortion as rd

SLOPES = [1.2, 3.0, 9.0, 40.0]
FAR = 60.0  # means; e^-60 is left out beyond


def integral(function: Callable[[float], float], *cuts: float) -> float:
    """Integrate over consecutive intervals, whose ends are where the integrand has its kinks."""
    rising = [(low, high) for low, high in pairwise(sorted(cuts)) if low < high]
    quad = integrate.quad
    return math.fsum(
        quad(function, low, high, epsabs=1e-13, epsrel=1e-11, limit=200)[0] for low, high in rising
    )


class Claim:
    """The output law that docs/theory.md, 1, claims to be the best at one slope, for λ = 1."""

    def __init__(self, slope: float) -> None:
        self.slope = slope
        self.start = math.log1p(1.0 / slope)
        self.atom = math.exp(-self.start) * (slope + 1.0) / slope**2

    def expect(self, function: Callable[[float], float], *kinks: float) -> float:
        """Return the mean of a function of the output, of which the kinks are given."""
        weight = 1.0 - self.slope**-2
        inside = [kink for kink in kinks if kink > self.start]
        # A kernel of slope s is over 60/s away from its kink.
        near = [kink + side * 40.0 / self.slope for kink in inside for side in (-1.0, 1.0)]
        cuts = [self.start, *inside, *(cut for cut in near if cut > self.start), FAR]
        spread = integral(lambda y: weight * math.exp(-y) * function(y), *cuts)
        return self.atom * function(self.start) + spread

    def normaliser(self, x: float) -> float:
        """Return Z(x) as it is claimed."""
        if x > self.start:
            return 2.0 / self.slope * math.exp(-x)
        below = self.slope * (self.start - x)
        return 2.0 / self.slope * math.exp(-self.start - below)

    def cuts(self, *kinks: float) -> list[float]:
        """Return where integrals over the magnitude are cut."""
        near = [k + side * 40.0 / self.slope for k in kinks for side in (-1.0, 1.0)]
        return [0.0, self.start, *kinks, *(cut for cut in near if 0.0 < cut < FAR), FAR]

    def optimality(self, y: float) -> float:
        """Return G(y), which must be 1 where the output lives and at most 1 elsewhere."""
        return integral(
            lambda x: math.exp(-x - self.slope * abs(x - y)) / self.normaliser(x), *self.cuts(y)
        )


@pytest.mark.parametrize("slope", SLOPES)
def test_the_claimed_output_is_a_law_with_the_claimed_normaliser(slope: float) -> None:
    claim = Claim(slope)
    assert claim.expect(lambda _: 1.0) == pytest.approx(1.0, abs=1e-11)
    for x in (0.0, 0.5 * claim.start, claim.start, 2.0 * claim.start, 1.0, 5.0):
        found = claim.expect(lambda y, x=x: math.exp(-slope * abs(x - y)), x)  # type: ignore[misc]
        assert found == pytest.approx(claim.normaliser(x), rel=1e-9)


@pytest.mark.parametrize("slope", SLOPES)
def test_the_claimed_output_is_optimal(slope: float) -> None:
    claim = Claim(slope)
    for part in (1.0, 1.0 + 1e-6, 1.5, 4.0, 40.0):
        assert claim.optimality(part * claim.start) == pytest.approx(1.0, abs=1e-9)
    for part in (0.0, 0.1, 0.5, 0.9):
        y = part * claim.start
        v, s = claim.start - y, slope
        closed = (
            (s + 1) / 2 * math.exp(s * v)
            + (s + 1) / (2 * (2 * s + 1)) * math.exp(-s * v)
            - s**2 / (2 * s + 1) * math.exp((s + 1) * v)
        )
        found = claim.optimality(y)
        assert found == pytest.approx(closed, abs=1e-9)
        assert found < 1.0


@pytest.mark.parametrize("slope", SLOPES)
def test_the_optimal_channel_has_the_rate_and_distortion_of_the_exact_curve(slope: float) -> None:
    claim = Claim(slope)

    def error(x: float) -> float:
        """Return E|x - y| of the channel's output for one magnitude."""
        spent = claim.expect(lambda y: abs(x - y) * math.exp(-slope * abs(x - y)), x)
        return spent / claim.normaliser(x)

    end = 30.0  # e^-30 is left out, and the normaliser is far from the least float
    distortion = integral(lambda x: math.exp(-x) * error(x), 0.0, claim.start, 3.0, end)
    assert distortion == pytest.approx(claim.start, rel=1e-8)
    log_normaliser = integral(
        lambda x: math.exp(-x) * math.log(claim.normaliser(x)), 0.0, claim.start, 3.0, FAR
    )
    rate_bits = -(slope * distortion + log_normaliser) / math.log(2.0)
    assert rate_bits == pytest.approx(math.log2((slope + 1.0) / 2.0), abs=1e-7)
    assert rd.exact(rate_bits) == pytest.approx(distortion, rel=1e-7)


@given(st.floats(1.0 + 1e-6, 1e6))
def test_the_slope_is_that_of_the_exact_curve(slope: float) -> None:
    rate_bits = math.log2((slope + 1.0) / 2.0)
    # n = (s+1)/2, so 1 - 1/(2n) = s/(s+1); both logarithms lose what 1/s is of 1.
    assert rd.exact(rate_bits) == pytest.approx(math.log1p(1.0 / slope), rel=1e-14)


def laplace(w: float, scale: float) -> float:
    return math.exp(-abs(w) / scale) / (2.0 * scale)


@pytest.mark.parametrize("x", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("w", [0.0, 0.3, -2.0])
def test_a_signed_weight_is_its_best_copy_plus_laplace_noise(x: float, w: float) -> None:
    # 1/(1+t²) = (x² + (1-x²)/(1+t²)) / (1+x²t²): the copy is 0 with probability x², else Laplace.
    cuts = (-FAR, -6.0, min(0.0, w), max(0.0, w), 6.0, FAR)
    noisy = integral(lambda v: laplace(v, 1.0) * laplace(w - v, x), *cuts)
    mixture = x**2 * laplace(w, x) + (1.0 - x**2) * noisy
    assert mixture == pytest.approx(laplace(w, 1.0), rel=1e-9)


@given(st.integers(1, 32), st.floats(1e-6, 1e6))
def test_b_bits_of_a_signed_weight_reach_the_lower_bound_of_its_magnitude(
    bits: int, weight_rate: float
) -> None:
    distortion = rd.lower(bits - 1.0, weight_rate)
    assert distortion == pytest.approx(1.0 / (weight_rate * 2.0**bits), rel=1e-15)
    # I = h(w) - h(Z), as the noise does not depend on the copy; h(w) is that of Laplace at 1/λ.
    information = bound_terms.noise_entropy_bits(1.0 / weight_rate)
    information -= bound_terms.noise_entropy_bits(distortion)
    assert information == pytest.approx(bits, abs=1e-13)
