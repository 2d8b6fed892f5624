# SPDX-License-Identifier: Apache-2.0
"""Tests of the best table for exponential magnitudes: printed values, its conditions, its codes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers.exponential import codebook, dequantize, quantize

# levels: values at λ = 1 and the entropy of their index in bits.
CODEBOOKS = {
    2: ([0.405465, 1.791759], 0.91830),
    4: ([0.223144, 0.798508, 1.609438, 2.995732], 1.84644),
    8: (
        [0.117783, 0.384846, 0.693147, 1.057790, 1.504077, 2.079442, 2.890372, 4.276666],
        2.79421,
    ),
    16: (None, 3.76129),
}


def masses(lower_ends: np.ndarray) -> np.ndarray:
    """Return the probability of each cell on Exp(1)."""
    return -np.diff(np.append(np.exp(-lower_ends), 0.0))


@pytest.mark.parametrize("levels", CODEBOOKS)
def test_the_codebooks_are_the_printed_ones(levels: int) -> None:
    printed, entropy_bits = CODEBOOKS[levels]
    values, lower_ends = codebook(levels, 1.0)
    if printed is not None:
        np.testing.assert_allclose(values, printed, rtol=0, atol=0.5001e-6)
    p = masses(lower_ends)
    assert p[0] == pytest.approx(2 / (levels + 1), rel=1e-12)
    assert -(p * np.log2(p)).sum() == pytest.approx(entropy_bits, abs=0.5001e-5)


@pytest.mark.parametrize("levels", [1, 2, 3, 7, 64, 1000, 2**15])
def test_each_value_is_its_cell_s_median_and_each_bound_a_midpoint(levels: int) -> None:
    values, lower_ends = codebook(levels, 1.0)
    assert lower_ends[0] == 0.0
    assert (np.diff(values) > 0).all()
    # Bounds and values reach 2 ln n < 21, and are sums of two rounded logarithms.
    rounding = 4 * 21 * 2.0**-53
    np.testing.assert_allclose(
        lower_ends[1:], (values[1:] + values[:-1]) / 2, rtol=0, atol=rounding
    )
    above, below = np.exp(-lower_ends), np.append(np.exp(-lower_ends[1:]), 0.0)
    np.testing.assert_allclose(np.exp(-values), (above + below) / 2, rtol=2 * rounding)


def test_the_values_scale_as_the_mean() -> None:
    values, lower_ends = codebook(5, 4.0)
    unit_values, unit_ends = codebook(5, 1.0)
    assert (values == unit_values / 4).all()
    assert (lower_ends == unit_ends / 4).all()


@pytest.mark.parametrize("bits", range(1, 17))
def test_the_closed_form_finds_the_cell_that_a_search_finds(bits: int) -> None:
    n = 2 ** (bits - 1)
    weights = np.random.default_rng(bits).exponential(size=(1, 50_000)).astype(np.float32)
    codes = quantize(weights, np.ones(1, np.float32), bits)
    _, lower_ends = codebook(n, 1.0)
    searched = np.searchsorted(lower_ends, weights.astype(np.float64), side="right") - 1
    differ = codes != searched
    assert np.abs(codes - searched).max() <= 1
    # m = √(n(n+1)e^-x + 1/4) has whole values at the bounds, and float32 finds it to n·2^-24 or so:
    # x to 2^-24 · 21, exp to 2 units, product, sum, root and difference to half a unit each.
    m = np.sqrt(n * (n + 1) * np.exp(-weights.astype(np.float64)) + 0.25) - 0.5
    off = np.abs(m - np.rint(m))
    assert (off[differ] < (n + 1) * 16 * 2.0**-24).all()


def test_weights_beyond_the_table_go_to_its_ends_and_zeros_to_their_sign_bit() -> None:
    weights = np.array([[0.0, -0.0, 1e-40, -1e-40, 1e30, -1e30]], np.float32)
    codes = quantize(weights, np.ones(1, np.float32), 16)
    assert codes.tolist() == [[0, -1, 0, -1, 32767, -32768]]


def test_one_bit_is_the_sign_and_the_median() -> None:
    back = dequantize(np.array([[0, -1]], np.int8), np.array([0.5], np.float32), 1)
    assert back[0].tolist() == pytest.approx([math.log(2) / 2, -math.log(2) / 2], rel=2.0**-23)


@pytest.mark.parametrize(
    ("levels", "rate", "rule"),
    [
        (0, 1.0, r"^levels must be a whole number in \[1, 1048576\], got 0"),
        (2.0, 1.0, "^levels must be"),
        (2, 0.0, "^weight_rate must be"),
        (2, math.inf, "^weight_rate must be"),
    ],
)
def test_a_table_that_there_cannot_be_is_refused(levels: int, rate: float, rule: str) -> None:
    with pytest.raises(InvalidInput, match=rule):
        codebook(levels, rate)
