# SPDX-License-Identifier: Apache-2.0
"""What every quantizer promises, tried on all of them over all their widths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import code_type
from coinfer_ros.core.quantizers import QUANTIZERS, Quantizer
from coinfer_ros.core.quantizers.table import named

Weights = NDArray[np.float32]
EVERY = [(one, bits) for one in QUANTIZERS.values() for bits in range(one.bits_low, 17)]
SOME = st.sampled_from(EVERY)
WEIGHTS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=3, max_side=6),
    elements=st.floats(-1.0, 1.0, width=32),
)
every = pytest.mark.parametrize(
    ("quantizer", "bits"), EVERY, ids=[f"{one.name}-{bits}" for one, bits in EVERY]
)


def scale_of(quantizer: Quantizer, size: float) -> Weights:
    """Return the scale of a row of one weight."""
    return quantizer.choose_qparams(np.array([[size]], np.float32), quantizer.bits_high)


def codes_of(quantizer: Quantizer, bits: int) -> NDArray[np.int8 | np.int16]:
    """Return every code of a width, (1, codes)."""
    values, _ = quantizer.cells(bits, 1.0)
    most = len(values) - 1
    least = -most if quantizer.scaled_by == "greatest" else -most - 1
    return np.arange(least, most + 1).astype(code_type(bits))[None]


def laplace(size: int = 20_000) -> Weights:
    return np.random.default_rng(7).laplace(size=(1, size)).astype(np.float32)


def round_trip(quantizer: Quantizer, weights: Weights, bits: int) -> Weights:
    scales = quantizer.choose_qparams(weights, bits)
    return quantizer.dequantize(quantizer.quantize(weights, scales, bits), scales, bits)


@every
def test_every_code_of_every_width_comes_back(quantizer: Quantizer, bits: int) -> None:
    codes = codes_of(quantizer, bits)
    # The least keeps 126 octaves of levels below it normal, the greatest what lies above it.
    for size in (1.0, 0.1, 3e4, 2.0**120):
        scales = scale_of(quantizer, size)
        back = quantizer.quantize(quantizer.dequantize(codes, scales, bits), scales, bits)
        assert back.dtype == codes.dtype
        expected = codes
        if quantizer.name.startswith("power_of_two"):
            least = np.float64(scales[0]) * 2.0 ** (np.abs(codes) - codes.max()) >= 2.0**-126
            expected = np.where(least, codes, 0)
            back = np.where(least, back, 0)
        assert (back == expected).all()


@every
def test_the_codes_fit_the_width(quantizer: Quantizer, bits: int) -> None:
    weights = laplace() * np.float32(1000.0)
    codes = quantizer.quantize(weights, scale_of(quantizer, 1.0), bits)
    assert codes.dtype == code_type(bits)
    assert codes.min() == codes_of(quantizer, bits).min() >= -(2 ** (bits - 1))
    assert codes.max() == codes_of(quantizer, bits).max() < 2 ** (bits - 1)


@every
def test_a_weight_comes_back_as_its_cell_says(quantizer: Quantizer, bits: int) -> None:
    weights = laplace()
    scales = quantizer.choose_qparams(weights, bits)
    values, lower_ends = quantizer.cells(bits, float(scales[0]))
    sizes = np.abs(weights.astype(np.float64))
    cell = np.searchsorted(lower_ends, sizes, side="right") - 1
    back = np.abs(round_trip(quantizer, weights, bits))
    # Within a hundredth of a cell of a bound float32 may decide the other way; elsewhere never.
    ends = np.append(lower_ends, np.inf)
    near = np.minimum(sizes - ends[cell], ends[cell + 1] - sizes)
    width = np.diff(np.append(lower_ends, 2 * lower_ends[-1] + 1))[cell]
    away = (near > 0.01 * width) | (cell == 0) & (sizes < 0.99 * ends[1])
    assert away.mean() > 0.9
    np.testing.assert_allclose(back[away], values[cell][away], rtol=3 * 2.0**-24)


@given(SOME, WEIGHTS)
def test_a_held_scale_makes_quantizing_again_change_nothing(
    choice: tuple[Quantizer, int], weights: Weights
) -> None:
    quantizer, bits = choice
    scales = quantizer.choose_qparams(weights, bits)
    codes = quantizer.quantize(weights, scales, bits)
    back = quantizer.dequantize(codes, scales, bits)
    again = quantizer.quantize(back, scales, bits)
    assert back.shape == codes.shape == weights.shape
    assert back.dtype == np.float32
    assert (quantizer.dequantize(again, scales, bits) == back).all()


@given(SOME, WEIGHTS)
def test_a_weight_keeps_its_sign_or_vanishes(
    choice: tuple[Quantizer, int], weights: Weights
) -> None:
    quantizer, bits = choice
    back = round_trip(quantizer, weights, bits)
    same = np.signbit(back) == np.signbit(weights)
    if quantizer.scaled_by == "mean":
        there = np.abs(weights).reshape(len(weights), -1).mean(axis=1) > 2.0**-99
        assert (same & (back != 0))[there].all()
    assert (same | (back == 0)).all()


@given(SOME, WEIGHTS, st.integers(-20, 20))
def test_weights_times_a_power_of_two_come_back_times_it(
    choice: tuple[Quantizer, int], weights: Weights, exponent: int
) -> None:
    quantizer, bits = choice
    weights[np.abs(weights) < 2.0**-30] = 0.0
    factor = np.float32(2.0**exponent)
    scaled = round_trip(quantizer, weights * factor, bits)
    assert (scaled == round_trip(quantizer, weights, bits) * factor).all()


@every
def test_a_row_of_zeros_comes_back_exactly_and_leaves_its_neighbour_alone(
    quantizer: Quantizer, bits: int
) -> None:
    weights = np.array([[0.0, -0.0, 0.0], [1.0, -2.0, 0.5]], np.float32)
    back = round_trip(quantizer, weights, bits)
    assert (back[0] == 0).all()
    assert (back[1:] == round_trip(quantizer, weights[1:], bits)).all()
    assert quantizer.choose_qparams(weights, bits)[0] == 0
    held = quantizer.quantize(weights + 1, np.zeros(2, np.float32), bits)
    assert (quantizer.dequantize(held, np.zeros(2, np.float32), bits) == 0).all()


@pytest.mark.parametrize("name", QUANTIZERS)
def test_rows_and_blocks_are_worked_on_alone(name: str) -> None:
    quantizer = QUANTIZERS[name]
    # Longer than a block, and many rows to a block.
    for shape in ((2, 131_075), (3000, 50)):
        weights = laplace(shape[0] * shape[1]).reshape(shape)
        weights[1] *= 3.0
        back = round_trip(quantizer, weights, 4)
        for row in (0, 1, shape[0] - 1):
            assert (back[row] == round_trip(quantizer, weights[row][None], 4)).all()


GOOD = np.ones((2, 3), np.float32)
ONES = np.ones(2, np.float32)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_a_bit_width_out_of_range_is_refused_by_every_verb(name: str) -> None:
    one = QUANTIZERS[name]
    for bits in (one.bits_low - 1, 17, 4.0, True):
        if bits is True and one.bits_low > 1:
            continue
        for call in (
            lambda bits=bits: one.choose_qparams(GOOD, bits),
            lambda bits=bits: one.quantize(GOOD, ONES, bits),
            lambda bits=bits: one.dequantize(GOOD.astype(np.int8), ONES, bits),
            lambda bits=bits: one.cells(bits, 1.0),
        ):
            with pytest.raises(InvalidInput, match=r"^bits must be a whole number in \[[12], 16\]"):
                call()


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize(
    ("weights", "rule"),
    [
        (GOOD.astype(np.float64), "float32, got float64"),
        (np.ones((2, 0), np.float32), "none empty"),
        (np.array([[1.0], [np.nan]], np.float32), "finite"),
        (np.array([[1.0], [-np.inf]], np.float32), "finite"),
    ],
)
def test_weights_that_cannot_be_quantized_are_refused(
    name: str, weights: Weights, rule: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^weights must .*{rule}"):
        QUANTIZERS[name].choose_qparams(weights, 4)
    with pytest.raises(InvalidInput, match=f"^weights must .*{rule}"):
        QUANTIZERS[name].quantize(weights, ONES, 4)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf])
def test_scales_that_no_row_has_are_refused(name: str, scale: float) -> None:
    scales = np.array([1.0, scale], np.float32)
    with pytest.raises(InvalidInput, match=f"^scales must be .*, got {scale:g}$"):
        QUANTIZERS[name].quantize(GOOD, scales, 4)
    with pytest.raises(InvalidInput, match=r"^scales must be"):
        QUANTIZERS[name].dequantize(GOOD.astype(np.int8), scales, 4)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize("scale", [-1.0, np.nan, np.inf, "1"])
def test_there_are_no_cells_of_a_scale_that_no_row_has(name: str, scale: float) -> None:
    with pytest.raises(InvalidInput, match=r"^scale must be a finite number of at least 0 .*, got"):
        QUANTIZERS[name].cells(4, scale)


@every
def test_every_scale_that_is_chosen_has_cells(quantizer: Quantizer, bits: int) -> None:
    unit, unit_ends = quantizer.cells(bits, 1.0)
    for size in (0.0, 2.0**-100, 2.0**120):
        (scale,) = quantizer.choose_qparams(np.array([[size]], np.float32), bits).tolist()
        values, lower_ends = quantizer.cells(bits, scale)
        assert (values == unit * scale).all()
        assert (lower_ends == unit_ends * scale).all()


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.parametrize(
    ("codes", "rule"),
    [
        (5, "whole numbers, got int"),
        (np.array(3, np.int8), r"got shape \(\)"),
        (np.zeros(3, np.int8), r"got shape \(3,\)"),
    ],
)
def test_codes_without_rows_are_refused(name: str, codes: NDArray[np.int8], rule: str) -> None:
    with pytest.raises(InvalidInput, match=f"^codes must .*{rule}$"):
        QUANTIZERS[name].dequantize(codes, ONES, 4)


@every
def test_codes_that_no_weight_has_are_refused(quantizer: Quantizer, bits: int) -> None:
    codes = codes_of(quantizer, bits).astype(np.int32)
    for code in (int(codes.min()) - 1, int(codes.max()) + 1):
        with pytest.raises(InvalidInput, match=r"^codes must be in \["):
            quantizer.dequantize(np.array([[code]]), ONES[:1], bits)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"^quantizer must be one of uniform, .*, got 'lloyd'"):
        named("lloyd")
