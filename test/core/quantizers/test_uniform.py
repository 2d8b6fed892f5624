# SPDX-License-Identifier: Apache-2.0
"""Tests of the uniform quantizer against exact fractions, its own guarantees and a known law."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers.uniform import choose_qparams, dequantize, quantize

Weights = NDArray[np.float32]
BITS = st.integers(2, 16)
# Weights of like size, and weights over all that float32 holds, subnormal ones too.
ELEMENTS = [
    st.floats(-1.0, 1.0, width=32),
    st.floats(width=32, allow_nan=False).filter(np.isfinite),
]
SHAPES = arrays.array_shapes(min_dims=2, max_dims=4, max_side=6)
WEIGHTS = st.sampled_from(ELEMENTS).flatmap(
    lambda elements: arrays.arrays(np.float32, SHAPES, elements=elements)
)


def round_trip(weights: Weights, bits: int) -> Weights:
    scales = choose_qparams(weights, bits)
    return dequantize(quantize(weights, scales, bits), scales, bits)


@given(WEIGHTS, BITS)
def test_every_code_is_the_exact_quotient_rounded_to_nearest_even(
    weights: Weights, bits: int
) -> None:
    top = 2 ** (bits - 1) - 1
    codes = quantize(weights, choose_qparams(weights, bits), bits)
    assert codes.shape == weights.shape
    assert codes.dtype == (np.int8 if bits <= 8 else np.int16)
    for row, row_codes in zip(weights, codes, strict=True):
        scale = max(abs(Fraction(w.item())) for w in row.flat)
        expected = [round(Fraction(w.item()) * top / scale) if scale else 0 for w in row.flat]
        assert row_codes.ravel().tolist() == expected


@given(WEIGHTS, BITS)
def test_a_weight_moves_by_half_a_step_at_most_and_keeps_its_sign_or_vanishes(
    weights: Weights, bits: int
) -> None:
    back = round_trip(weights, bits)
    assert back.dtype == np.float32
    top = 2 ** (bits - 1) - 1
    for row, row_back in zip(weights, back, strict=True):
        scale = np.abs(row).max().astype(np.float64)
        # Half a step, and half a unit in the last place (normal, subnormal) of float32.
        most = scale / (2 * top) * (1 + 1e-12) + scale * 2.0**-24 + 2.0**-150
        assert (np.abs(row_back.astype(np.float64) - row) <= most).all()
        assert ((np.sign(row_back) == np.sign(row)) | (row_back == 0)).all()


@given(WEIGHTS, BITS)
def test_quantizing_again_changes_neither_scales_nor_codes_nor_weights(
    weights: Weights, bits: int
) -> None:
    scales = choose_qparams(weights, bits)
    codes = quantize(weights, scales, bits)
    back = dequantize(codes, scales, bits)
    again = choose_qparams(back, bits)
    assert (again == scales).all()
    assert (quantize(back, again, bits) == codes).all()
    assert (round_trip(back, bits) == back).all()


@pytest.mark.parametrize("bits", range(2, 17))
def test_every_code_of_every_width_comes_back(bits: int) -> None:
    top = 2 ** (bits - 1) - 1
    codes = np.arange(-top, top + 1).reshape(1, -1).astype(np.int8 if bits <= 8 else np.int16)
    for scale in (1e-30, 0.1, 1.0, 3e38):
        scales = np.array([scale], np.float32)
        back = quantize(dequantize(codes, scales, bits), scales, bits)
        assert back.dtype == codes.dtype
        assert (back == codes).all()


@pytest.mark.parametrize("bits", range(2, 17))
def test_at_every_bound_the_exact_quotient_decides(bits: int) -> None:
    top = 2 ** (bits - 1) - 1
    halves = np.arange(-top, top, max(1, top // 20)) + 0.5
    # Float32 finds most codes by itself; the last two scales are beyond what it can.
    scales = np.array([1.0, *np.random.default_rng(0).uniform(0.5, 1, 20), 3e30, 1e-38], np.float32)
    near = (halves * scales[:, None].astype(np.float64) / top).astype(np.float32)
    zero = np.float32(0.0)
    weights = np.hstack([near, np.nextafter(near, zero), np.nextafter(near, 2 * near)])
    codes = quantize(weights, scales, bits)
    fast = quantize(weights[:-2], scales[:-2], bits)
    for row, scale, found in zip(weights, scales, codes, strict=True):
        expected = [round(Fraction(w.item()) * top / Fraction(scale.item())) for w in row]
        assert found.tolist() == expected
    assert (fast == codes[:-2]).all()


def test_a_row_of_zeros_comes_back_exactly_and_leaves_its_neighbour_alone() -> None:
    weights = np.array([[0.0, 0.0], [1.0, -2.0]], np.float32)
    assert round_trip(weights, 2).tolist() == [[0.0, 0.0], [0.0, -2.0]]


def test_the_scale_of_a_row_of_zeros_has_a_plus_sign_whatever_theirs() -> None:
    # NumPy may take either of 0.0 and -0.0 for the greatest, by length and place.
    for shape in [(rows, columns) for rows in (1, 2, 16) for columns in range(1, 40)]:
        for begin in range(3):
            weights = np.zeros(shape, np.float32)
            weights[:, begin::2] = -0.0
            assert not np.signbit(choose_qparams(weights, 4)).any()


def test_every_row_has_its_own_scale_whatever_the_axes_behind_it() -> None:
    kernels = np.random.default_rng(1).normal(size=(5, 3, 2, 2)).astype(np.float32)
    flat = round_trip(kernels.reshape(5, 12), 4)
    assert (round_trip(kernels, 4).reshape(5, 12) == flat).all()
    assert (np.vstack([round_trip(row[None], 4) for row in kernels.reshape(5, 12)]) == flat).all()


def test_weights_beyond_a_given_scale_stop_at_the_greatest_code() -> None:
    weights = np.array([[4.0, -1e30, 1.0], [1.0, -1.0, 0.0]], np.float32)
    codes = quantize(weights, np.array([2.0, 0.0], np.float32), 8)
    assert codes.tolist() == [[127, -127, 64], [0, 0, 0]]


@pytest.mark.parametrize(
    ("bits", "printed"), [(3, 0.8335), (4, 0.4731), (5, 0.2354), (6, 0.1156), (8, 0.0283)]
)
def test_exponential_weights_lose_what_the_exact_integral_says(bits: int, printed: float) -> None:
    # The law's mid-quantiles stand for its integral; the scale is the expected greatest of 1e6.
    q = 200_000
    weights = -np.log((np.arange(q) + 0.5) / q)[None].astype(np.float32)
    scales = np.array([math.log(1e6) + 0.577], np.float32)
    back = dequantize(quantize(weights, scales, bits), scales, bits)
    # Rounding of the printed digit; the quadrature's own error is below 1/q.
    assert np.abs(back - weights).mean(dtype=np.float64) == pytest.approx(printed, abs=6e-5)


GOOD = np.ones((2, 3), np.float32)
ONES = np.ones(2, np.float32)


@pytest.mark.parametrize("bits", [1, 17, 4.0, True, math.nan])
def test_a_bit_width_out_of_range_is_refused_by_every_verb(bits: int) -> None:
    for call in (
        lambda: choose_qparams(GOOD, bits),
        lambda: quantize(GOOD, ONES, bits),
        lambda: dequantize(GOOD.astype(np.int8), ONES, bits),
    ):
        with pytest.raises(InvalidInput, match=r"^bits must be a whole number in \[2, 16\], got "):
            call()


@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        (GOOD.astype(np.float64), "float32, got float64"),
        ([[1.0]], "float32, got list"),
        (np.ones(3, np.float32), r"two axes or more, none empty, got shape \(3,\)"),
        (np.ones((2, 0), np.float32), "none empty"),
        (np.ones((0, 2), np.float32), "none empty"),
        (np.array([[math.nan, 1.0]], np.float32), "finite"),
        (np.array([[1.0, -math.inf]], np.float32), "finite"),
    ],
)
def test_weights_that_cannot_be_quantized_are_refused(weights: Weights, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^weights must .*{rule}"):
        choose_qparams(weights, 4)
    with pytest.raises(InvalidInput, match=rf"^weights must .*{rule}"):
        quantize(weights, np.ones(len(weights), np.float32), 4)


@pytest.mark.parametrize(
    ("scales", "rule"),
    [
        (np.ones(3, np.float32), r"shape \(2,\), one a row, got \(3,\)"),
        (np.ones(2), "float32, got float64"),
        (np.array([1.0, -1.0], np.float32), "at least 0, got -1$"),
        (np.array([1.0, math.nan], np.float32), "finite and .*, got nan$"),
    ],
)
def test_scales_that_do_not_fit_are_refused(scales: Weights, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^scales must .*{rule}"):
        quantize(GOOD, scales, 4)
    with pytest.raises(InvalidInput, match=rf"^scales must .*{rule}"):
        dequantize(GOOD.astype(np.int8), scales, 4)


@pytest.mark.parametrize(
    ("codes", "rule"),
    [
        (np.array([[8], [0]], np.int8), r"in \[-7, 7\] at 4 bits, got 0 to 8"),
        (np.array([[-128], [0]], np.int8), "got -128 to 0"),
        (GOOD, "whole numbers, got float32"),
        (np.zeros((2, 0), np.int8), "none empty"),
    ],
)
def test_codes_that_no_quantizer_makes_are_refused(codes: NDArray[np.int8], rule: str) -> None:
    with pytest.raises(InvalidInput, match=rf"^codes must .*{rule}"):
        dequantize(codes, ONES, 4)
