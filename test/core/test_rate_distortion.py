# SPDX-License-Identifier: Apache-2.0
"""Tests of the distortion-rate curves against tables, sixty digits and numerical optima."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core import rate_distortion as rd
from coinfer_ros.core.errors import InvalidInput

RATES = st.floats(0.0, 32.0)
LAMBDAS = st.floats(1e-6, 1e6)
PAIRS = [
    (rd.lower, rd.lower_rate),
    (rd.exact, rd.exact_rate),
    (rd.scalar_optimal, rd.scalar_optimal_rate),
    (rd.upper, rd.upper_rate),
]
CURVES = [curve for curve, _ in PAIRS]
Curve = Callable[..., float]

# bits: lower, exact, scalar optimal, upper; λ = 1; computed apart and rounded to what is written.
TABLE = {
    2: "0.25 0.287682072 0.405465108 0.6180339887",
    3: "0.125 0.133531393 0.223143551 0.2637626158",
    4: "0.0625 0.064538521 0.117783036 0.1267831705",
    5: "0.03125 0.031748698 0.060624622 0.06273143387",
    6: "0.015625 0.015748357 0.030771659 0.03127964813",
    7: "0.0078125 0.007843177 0.015504187 0.0156287578",
    8: "0.00390625 0.003913899 0.007782140 0.007812973198",
    16: "1.525878906e-5 1.5259e-5 3.0517e-5 3.051757815e-5",
}


@pytest.mark.parametrize("bits", TABLE)
def test_the_figures_of_a_bit_width_agree_with_the_table_to_its_last_digit(bits: int) -> None:
    figures = rd.at_bits(bits)
    assert figures.rate_bits == bits - 1
    found = (figures.lower, figures.exact, figures.scalar_optimal, figures.upper)
    for value, printed in zip(found, TABLE[bits].split(), strict=True):
        last_digit = 10.0 ** int(Decimal(printed).as_tuple().exponent)
        assert value == pytest.approx(float(printed), abs=0.5001 * last_digit, rel=0)


def test_at_rate_zero_the_upper_bound_alone_is_infinite() -> None:
    figures = rd.at_bits(1, weight_rate=4.0)
    assert (figures.lower, figures.upper) == (0.125, math.inf)
    assert figures.exact == pytest.approx(math.log(2.0) / 4.0, rel=1e-15)
    assert figures.scalar_optimal == pytest.approx(math.log(2.0) / 4.0, rel=1e-15)


def test_at_one_bit_of_rate_the_upper_bound_is_the_golden_section() -> None:
    assert rd.upper(1.0, 3.0) == pytest.approx((math.sqrt(5.0) - 1.0) / 6.0, rel=1e-15)


@pytest.mark.parametrize("rate_bits", [1e-12, 1e-6, 0.01, 0.5, 1.0, 7.0, 15.0, 31.0, 32.0])
def test_every_curve_agrees_with_sixty_digits_of_its_formula(rate_bits: float) -> None:
    with localcontext() as context:
        context.prec = 60
        n = Decimal(2) ** Decimal(rate_bits)
        exact = {
            rd.lower: 1 / (2 * n),
            rd.exact: -(1 - 1 / (2 * n)).ln(),
            rd.scalar_optimal: (1 + 1 / n).ln(),
            rd.upper: ((1 + 4 / (n - 1)).sqrt() - 1) / 2,
        }
    for curve, value in exact.items():
        # A handful of roundings of 2^-53 each; R ln 2 up to 22 makes the exponential's the largest.
        assert curve(rate_bits) == pytest.approx(float(value), rel=32 * 2.0**-53)


@given(RATES.filter(lambda rate_bits: rate_bits > 1e-9), LAMBDAS)
def test_the_curves_keep_their_order(rate_bits: float, weight_rate: float) -> None:
    values = [curve(rate_bits, weight_rate) for curve in CURVES]
    assert values == sorted(set(values))


@pytest.mark.parametrize("curve", CURVES)
def test_every_curve_falls_and_is_convex(curve: Curve) -> None:
    values = np.asarray(curve(np.linspace(0.25, 32.0, 400)))
    assert (np.diff(values) < 0).all()
    assert (np.diff(values, 2) > 0).all()


@pytest.mark.parametrize("curve", CURVES)
@given(low=st.floats(1e-3, 31.0), width=st.floats(0.01, 1.0), weight_rate=LAMBDAS)
def test_every_curve_falls_and_stays_below_its_chords(
    curve: Curve, low: float, width: float, weight_rate: float
) -> None:
    begin, middle, end = (curve(low + part * width, weight_rate) for part in (0.0, 0.5, 1.0))
    assert begin > middle > end
    assert 2.0 * middle < begin + end


@given(st.floats(0.0, 32.0))
def test_the_lower_bound_becomes_tight(rate_bits: float) -> None:
    # -2n ln(1 - 1/(2n)) = 1 + 1/(4n) + 1/(12n²) + ..., at most 2 ln 2 at n = 1.
    ratio, n = rd.exact(rate_bits) / rd.lower(rate_bits), 2.0**rate_bits
    assert 1.0 + 1.0 / (4.0 * n) - 1e-14 <= ratio <= 1.0 + 1.0 / (2.0 * n)


@given(st.floats(1.0, 32.0))
def test_the_upper_bound_stays_twice_the_curve(rate_bits: float) -> None:
    # nλD^U = 1 + 1/n² + ... and nλD = 1/2 + 1/(8n) + ..., so that the ratio is 2 - 1/(2n) + ....
    ratio = rd.upper(rate_bits) / rd.exact(rate_bits)
    assert abs(ratio - 2.0) <= 0.5 / 2.0**rate_bits + 1e-14


@pytest.mark.parametrize("curve", CURVES)
@given(rate_bits=RATES, weight_rate=LAMBDAS)
def test_distortion_scales_with_the_mean_magnitude(
    curve: Curve, rate_bits: float, weight_rate: float
) -> None:
    assert curve(rate_bits, weight_rate) * weight_rate == pytest.approx(curve(rate_bits), rel=1e-15)


@pytest.mark.parametrize(("curve", "inverse"), PAIRS)
@given(rate_bits=RATES, weight_rate=LAMBDAS)
def test_every_curve_comes_back_through_its_inverse(
    curve: Curve, inverse: Curve, rate_bits: float, weight_rate: float
) -> None:
    # dR/dln(D) is at most 2/ln 2 = 2.9; some ten roundings of 1e-16 in D, and R's own of 4e-15.
    assert inverse(curve(rate_bits, weight_rate), weight_rate) == pytest.approx(
        rate_bits, abs=1e-14
    )


@pytest.mark.parametrize(("curve", "inverse"), PAIRS)
def test_more_distortion_than_no_bits_give_costs_no_bits(curve: Curve, inverse: Curve) -> None:
    assert inverse(math.inf) == 0.0
    assert math.copysign(1.0, inverse(math.inf)) == 1.0
    if curve is not rd.upper:
        assert inverse(2.0 * curve(0.0)) == 0.0


def test_the_distortion_where_the_rate_ends_costs_plus_zero_bits() -> None:
    # -log2(2 · 1/2) is -0.0, on its own and in vectors of any length.
    for length in range(1, 20):
        rates = np.asarray(rd.lower_rate(np.full(length, 0.5)))
        assert not np.signbit(rates).any()
    assert math.copysign(1.0, rd.lower_rate(0.5)) == 1.0


@pytest.mark.parametrize(("curve", "inverse"), PAIRS)
def test_rates_of_extreme_distortions_are_finite_without_a_warning(
    curve: Curve, inverse: Curve
) -> None:
    least = curve(32.0) / rd.exact(32.0)  # λD of the curve over that of the exact one
    with np.errstate(all="raise", under="ignore"):
        for huge, rate in ((1e300, 1e30), (math.inf, 1.0), (1e300, 1e-30)):
            assert 0.0 <= inverse(huge, rate) < 1e-300
        # All curves fall as 2^-R there, each with its factor.
        for tiny, rate in ((1e-200, 1.0), (1e-200, 1e30), (1e-170, 1e-30)):
            bits = math.log2(least / 2.0) - math.log2(tiny) - math.log2(rate)
            assert inverse(tiny, rate) == pytest.approx(bits, rel=1e-9)


@pytest.mark.parametrize(("distortion", "rate"), [(5e-324, 1.0), (1e-308, 1.0), (5e-324, 1e-30)])
@pytest.mark.parametrize("inverse", [inverse for _, inverse in PAIRS])
def test_a_distortion_whose_rate_floats_cannot_tell_is_refused(
    inverse: Curve, distortion: float, rate: float
) -> None:
    with pytest.raises(InvalidInput, match=r"^distortion must be at least 1e-200/λ .*, got "):
        inverse(distortion, rate)


@pytest.mark.parametrize("bad", ["a", None, [[1.0], [1.0, 2.0]], 10**400])
@pytest.mark.parametrize(
    ("function", "name"),
    [pair for curve, inverse in PAIRS for pair in ((curve, "rate_bits"), (inverse, "distortion"))],
)
def test_what_is_no_number_is_refused(function: Curve, name: str, bad: object) -> None:
    with pytest.raises(InvalidInput, match=f"^{name} must be real numbers, got "):
        function(bad)


@pytest.mark.parametrize(("curve", "inverse"), PAIRS)
def test_arrays_give_the_same_as_their_numbers(curve: Curve, inverse: Curve) -> None:
    rates = np.array([[0.0, 0.5], [3.0, 32.0]])
    values = np.asarray(curve(rates, 2.0))
    assert values.tolist() == [[curve(r, 2.0) for r in row] for row in rates.tolist()]
    back = np.asarray(inverse(values, 2.0))
    assert back.tolist() == [[inverse(d, 2.0) for d in row] for row in values.tolist()]
    assert type(curve(1.0)) is float


@pytest.mark.parametrize("levels", [1, 2, 4, 8])
def test_the_scalar_curve_agrees_with_lloyd_and_max(levels: int) -> None:
    assert rd.scalar_optimal(math.log2(levels)) == pytest.approx(lloyd_max(levels), rel=1e-9)


@pytest.mark.parametrize("rate_bits", [-1e-9, 32.1, math.nan, math.inf])
@pytest.mark.parametrize("curve", CURVES)
def test_a_rate_out_of_range_is_refused(curve: Curve, rate_bits: float) -> None:
    with pytest.raises(InvalidInput, match=r"^rate_bits must be in \[0, 32\] bits, got "):
        curve(rate_bits)


@pytest.mark.parametrize("distortion", [0.0, -1.0, math.nan])
@pytest.mark.parametrize("inverse", [inverse for _, inverse in PAIRS])
def test_a_distortion_that_is_not_above_zero_is_refused(inverse: Curve, distortion: float) -> None:
    with pytest.raises(InvalidInput, match=r"^distortion must be above 0 weight units, got "):
        inverse(distortion)


@pytest.mark.parametrize("weight_rate", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("function", [function for pair in PAIRS for function in pair])
def test_a_weight_rate_out_of_range_is_refused(function: Curve, weight_rate: float) -> None:
    with pytest.raises(InvalidInput, match=r"^weight_rate must be in .*, got "):
        function(1.0, weight_rate)


@pytest.mark.parametrize("bits", [0, 33, 2.5, True, None])
def test_a_bit_width_out_of_range_is_refused(bits: int) -> None:
    with pytest.raises(InvalidInput, match=r"^bits must be a whole number in \[1, 32\], got "):
        rd.at_bits(bits)


def lloyd_max(levels: int) -> float:
    """Return the distortion of the best table for Exp(1), by alternating medians and midpoints."""
    bounds = np.append(np.linspace(0.0, 2.0, levels), np.inf)
    for _ in range(3000):
        tail = np.exp(-bounds)
        values = -np.log((tail[:-1] + tail[1:]) / 2)
        bounds[1:-1] = (values[:-1] + values[1:]) / 2
    total = 0.0
    for low, value, high in zip(bounds[:-1], values, bounds[1:], strict=True):
        # ∫|θ-v|e^-θ from a to b, with (θ+1-v)e^-θ as minus the integral of (θ-v)e^-θ.
        at_low, at_high = (
            0.0 if x == np.inf else (x + 1 - value) * np.exp(-x) for x in (low, high)
        )
        total += 2 * np.exp(-value) - at_low - at_high
    return float(total)
