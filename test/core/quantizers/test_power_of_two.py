# SPDX-License-Identifier: Apache-2.0
"""Tests of the powers of two against exact fractions, at every bound and at float32's ends."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers.power_of_two import FULL, INQ, PowerOfTwo

BITS = st.integers(2, 16)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
NORMAL = Fraction(2) ** -126


def top_exponent(greatest: float) -> int:
    """Return n1 = ⌊log2(4s/3)⌋ by whole numbers."""
    size, exponent = Fraction(greatest) * 4 / 3, -200
    while Fraction(2) ** (exponent + 1) <= size:
        exponent += 1
    return exponent


def nearest(weight: float, levels: list[Fraction]) -> Fraction:
    """Return the level next to a magnitude; of two the greater, as INQ has it."""
    size = abs(Fraction(weight))
    return min(levels, key=lambda level: (abs(level - size), -level))


def levels_of(of: PowerOfTwo, bits: int, n1: int) -> list[Fraction]:
    n2 = n1 + 1 - 2 ** (bits - 2) if of is INQ else n1 + 2 - 2 ** (bits - 1)
    exponents = range(max(n2, -126, n1 - 126), min(n1, 127) + 1)
    return [Fraction(0), *(Fraction(2) ** k for k in exponents)]


@pytest.mark.parametrize("of", [INQ, FULL], ids=["inq", "full"])
@example(bits=2, greatest=7.709941348118215e-39, ratios=[0.0])  # between 1/2 and 3/4 of 2^-126
@given(bits=BITS, greatest=FLOATS, ratios=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=5))
def test_every_weight_goes_to_the_nearest_level(
    of: PowerOfTwo, bits: int, greatest: float, ratios: list[float]
) -> None:
    weights = np.array([[greatest, *(greatest * ratio for ratio in ratios)]], np.float32)
    n1 = min(top_exponent(abs(weights).max().item()), 127) if weights.any() else -200
    scales = of.choose_qparams(weights, bits)
    assert scales[0] == (2.0**n1 if n1 >= -126 else 0.0)
    back = of.dequantize(of.quantize(weights, scales, bits), scales, bits)
    for weight, found in zip(weights.flat, back.flat, strict=True):
        assert Fraction(abs(found.item())) == nearest(weight.item(), levels_of(of, bits, n1))


def around(value: float) -> NDArray[np.float32]:
    """Return the float32 below ``value``, ``value`` and the one above it."""
    exact = np.float32(value)
    assert exact == value
    return np.array([np.nextafter(exact, np.float32(s)) for s in (0.0, value, math.inf)])


@pytest.mark.parametrize("top", [-120, -1, 0, 100, 127])
def test_the_bounds_are_exact_to_the_last_bit(top: int) -> None:
    scales = np.array([2.0**top], np.float32)
    # Levels 2^top, 2^(top-1) and 0 at 3 bits of INQ; the greater level has the bound.
    for bound, expected in ((0.75, [1, 2, 2]), (0.25, [0, 1, 1])):
        weights = around(bound * 2.0**top)[None]
        assert INQ.quantize(weights, scales, 3).tolist() == [expected]
        assert INQ.quantize(-weights, scales, 3).tolist() == [[-code for code in expected]]


def test_the_greatest_level_changes_at_three_quarters_of_a_power_of_two() -> None:
    rows = around(0.75)[:, None]
    assert INQ.choose_qparams(rows, 4).tolist() == [0.5, 1.0, 1.0]


def test_the_variants_have_the_levels_that_their_formulas_say() -> None:
    n1 = 3
    for bits in range(2, 9):
        for of, n2 in ((INQ, n1 + 1 - 2 ** (bits - 2)), (FULL, n1 + 2 - 2 ** (bits - 1))):
            values, lower_ends = of.cells(bits, 2.0**n1)
            assert values.tolist() == [0.0, *(2.0**k for k in range(n2, n1 + 1))]
            assert lower_ends[1] == 2.0 ** (n2 - 1)


def test_the_full_variant_spends_every_code_and_the_other_about_half() -> None:
    for bits in range(3, 9):
        top = 2 ** (bits - 1)
        scales = np.ones(1, np.float32)
        weights = np.exp2(-np.arange(130.0))[None].astype(np.float32)
        assert FULL.quantize(weights, scales, bits).max() == top - 1
        assert INQ.quantize(weights, scales, bits).max() == top // 2


def test_below_float32_s_least_normal_number_there_are_no_levels() -> None:
    scales = np.array([2.0**-125], np.float32)
    weights = np.array([[2.0**-126, 2.0**-127, 2.0**-127 - 2.0**-149, 2.0**-149]], np.float32)
    for bits in (4, 8, 16):
        back = FULL.dequantize(FULL.quantize(weights, scales, bits), scales, bits)
        assert back.tolist() == [[2.0**-126, 2.0**-126, 0.0, 0.0]]


def test_weights_beyond_a_given_scale_stop_at_the_greatest_level() -> None:
    weights = np.array([[3e38, -5.0], [3.0, -1.0]], np.float32)
    codes = INQ.quantize(weights, np.array([2.0, 0.0], np.float32), 4)
    assert codes.tolist() == [[4, -4], [0, 0]]


def test_there_is_no_level_above_float32_s_greatest() -> None:
    weights = np.array([[np.finfo(np.float32).max, -(2.0**127)]], np.float32)
    scales = INQ.choose_qparams(weights, 4)
    assert scales.tolist() == [2.0**127]
    back = INQ.dequantize(INQ.quantize(weights, scales, 4), scales, 4)
    assert back.tolist() == [[2.0**127, -(2.0**127)]]


def test_a_scale_of_minus_zero_is_a_zero() -> None:
    scales = np.array([-0.0], np.float32)
    codes = FULL.quantize(np.array([[1.0, -3e38]], np.float32), scales, 4)
    assert codes.tolist() == [[0, 0]]
    assert (FULL.dequantize(codes + np.int8(1), scales, 4) == 0).all()


def test_a_scale_that_is_no_power_of_two_is_refused() -> None:
    for scale in (3.0, 2.0**-127):
        rule = rf"^scales must be 0 or powers of two of at least 2\^-126, got {scale:g}$"
        with pytest.raises(InvalidInput, match=rule):
            INQ.quantize(np.ones((2, 1), np.float32), np.array([1.0, scale], np.float32), 4)
