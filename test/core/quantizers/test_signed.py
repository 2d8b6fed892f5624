# SPDX-License-Identifier: Apache-2.0
"""Tests of the mean magnitude as a scale and of its range."""

from __future__ import annotations

import re

import numpy as np
import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import exponential, uniform_l1
from coinfer_ros.core.quantizers.signed import choose_qparams


def test_a_scale_is_the_exact_mean_rounded_once() -> None:
    # Sums of whole numbers are exact; float32 alone would stop counting at 2^24.
    weights = np.ones((2, 2**18), np.float32)
    weights[0, ::2] = -(2.0**24)
    assert choose_qparams(weights, 4).tolist() == [np.float32((2.0**24 + 1) / 2), 1.0]


@pytest.mark.parametrize("of", [exponential, uniform_l1])
@pytest.mark.parametrize("bits", [1, 8, 16])
def test_scales_at_the_ends_of_their_range_stay_finite_and_normal(of: object, bits: int) -> None:
    ends = np.array([2.0**-100, 2.0**120], np.float32)
    n = 2 ** (bits - 1)
    codes = np.array([[-n, n - 1, 0, -1]] * 2, np.int16)
    back = of.dequantize(codes, ends, bits)
    assert np.isfinite(back).all()
    assert (np.abs(back) >= 2.0**-126).all()
    assert (of.quantize(back, ends, bits) == codes).all()


def test_a_smaller_mean_counts_as_none_and_a_greater_one_is_refused() -> None:
    rows = np.array([[2.0**-101], [2.0**-100]], np.float32)
    assert choose_qparams(rows, 4).tolist() == [0.0, 2.0**-100]
    with pytest.raises(InvalidInput, match=r"^weights must have mean magnitudes of at most 2\^120"):
        choose_qparams(np.full((1, 2), 3e38, np.float32), 4)


@pytest.mark.parametrize("scale", [2.0**-101, 2.0**121])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    scales = np.array([scale], np.float32)
    rule = rf"^scales must be 0 or in \[2\^-100, 2\^120\], got {re.escape(f'{scale:g}')}$"
    with pytest.raises(InvalidInput, match=rule):
        exponential.quantize(np.ones((1, 1), np.float32), scales, 4)
    with pytest.raises(InvalidInput, match=rule):
        uniform_l1.dequantize(np.ones((1, 1), np.int8), scales, 4)


@pytest.mark.parametrize("of", [exponential, uniform_l1])
def test_a_weight_whose_ratio_to_the_scale_is_beyond_float32_goes_to_the_last_magnitude(
    of: object,
) -> None:
    weights, scales = np.array([[3e38, -3e38]], np.float32), np.array([2.0**-100], np.float32)
    with np.errstate(all="raise", under="ignore"):
        assert of.quantize(weights, scales, 8).tolist() == [[127, -128]]
