# SPDX-License-Identifier: Apache-2.0
"""Tests of rows that share a law: their codes are those of nested codes, cut to the width."""

from __future__ import annotations

import numpy as np
import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import nested
from coinfer_ros.core.quantizers.shared_law import dequantize, quantize

VALUES = np.random.default_rng(0).laplace(size=(6, 500)).astype(np.float32)


@pytest.mark.parametrize("bits", range(2, 9))
def test_a_single_row_comes_back_as_from_its_nested_code(bits: int) -> None:
    for row in VALUES[:, None]:
        codes, scales, law = quantize(row, bits)
        stored = nested.encode(row)
        assert law == stored.laws[0]
        assert (dequantize(codes, scales, law, bits) == nested.decode(stored, bits)).all()


@pytest.mark.parametrize("bits", range(2, 9))
def test_codes_use_the_whole_width_and_no_more(bits: int) -> None:
    codes, _, _ = quantize(VALUES, bits)
    assert codes.dtype == np.int8
    assert (codes.min(), codes.max()) == (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def test_rows_of_any_size_and_of_zeros_keep_their_own_scales() -> None:
    values = VALUES[:3] * np.array([[1e-30], [0.0], [1e30]], np.float32)
    codes, scales, law = quantize(values, 8)
    back = dequantize(codes, scales, law, 8)
    assert (scales == np.abs(values).max(axis=1)).all()
    assert (back[1] == 0.0).all()
    assert (np.abs(back[0] - values[0]) <= scales[0] / 8).all()
    assert (np.abs(back).max(axis=1) == scales).all()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"bits": 9}, r"^bits must be a whole number in \[2, 8\], got 9"),
        ({"law": 128}, r"^law must be a whole number in \[0, 127\], got 128"),
        ({"scales": np.ones(1, np.float32)}, r"^scales must have shape \(2,\)"),
        ({"codes": np.full((2, 3), 8, np.int8)}, r"^codes must be in \[-8, 7\] at 4 bits"),
    ],
)
def test_what_fits_no_value_is_refused(change: dict[str, object], rule: str) -> None:
    good = {"codes": np.zeros((2, 3), np.int8), "scales": np.ones(2, np.float32)}
    good |= {"law": 0, "bits": 4}
    dequantize(**good)
    with pytest.raises(InvalidInput, match=rule):
        dequantize(**(good | change))
