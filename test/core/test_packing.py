# SPDX-License-Identifier: Apache-2.0
"""Tests of packing against whole numbers of any length, and of what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from coinfer_ros.core import packing
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import Codes, code_type, pack, packed_bytes, unpack

LENGTHS = (0, 1, 7, 8, 9, 63, 64, 65, 1001)


def codes_of(bits: int, count: int, seed: int = 0) -> Codes:
    """Return random codes, the least and the greatest at the ends."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1)
    codes = np.random.default_rng(seed).integers(low, high, count).astype(code_type(bits))
    codes[:1], codes[1:][-1:] = low, high - 1
    return codes


@pytest.mark.parametrize("bits", range(1, 17))
def test_every_width_and_length_comes_back_from_as_few_bytes_as_there_can_be(bits: int) -> None:
    for count in LENGTHS:
        codes = codes_of(bits, count)
        data = pack(codes, bits)
        assert data.dtype == np.uint8
        assert data.shape == (math.ceil(count * bits / 8),) == (packed_bytes(count, bits),)
        back = unpack(data, bits, count)
        assert back.dtype == codes.dtype
        assert back.tolist() == codes.tolist()


@pytest.mark.parametrize("bits", [1, 3, 8, 11, 16])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_blocks_join_without_a_seam(bits: int, beyond: int) -> None:
    codes = codes_of(bits, 2 * packing.BLOCK + beyond)
    assert (unpack(pack(codes, bits), bits, codes.size) == codes).all()


def stream(codes: Codes, bits: int) -> int:
    """Return codes as one whole number, the first in its lowest bits."""
    return sum((code % 2**bits) << (bits * k) for k, code in enumerate(codes.tolist()))


@pytest.mark.parametrize("bits", range(1, 17))
def test_the_layout_is_little_endian_and_the_filling_is_zero(bits: int) -> None:
    codes = codes_of(bits, 101, seed=1)
    data = pack(codes, bits)
    low = min(bits, 8) if bits <= 8 else 8
    lower, upper = data[: packed_bytes(101, low)], data[packed_bytes(101, low) :]
    assert int.from_bytes(lower.tobytes(), "little") == stream(codes, low)
    assert int.from_bytes(upper.tobytes(), "little") == stream(codes >> 8, max(bits - 8, 0))


def test_codes_of_any_shape_and_memory_layout_are_packed_in_row_order() -> None:
    codes = codes_of(5, 60).reshape(3, 4, 5)
    assert (pack(codes, 5) == pack(codes.ravel(), 5)).all()
    assert (pack(codes.T, 5) == pack(codes.T.copy(), 5)).all()


@pytest.mark.parametrize("bits", [0, 17, 4.0, True])
def test_a_bit_width_out_of_range_is_refused(bits: int) -> None:
    for call in (
        lambda: pack(np.zeros(3, np.int8), bits),
        lambda: unpack(np.zeros(3, np.uint8), bits, 3),
        lambda: packed_bytes(3, bits),
        lambda: code_type(bits),
    ):
        with pytest.raises(InvalidInput, match=r"^bits must be a whole number in \[1, 16\], got "):
            call()


@pytest.mark.parametrize("count", [-3, 1.5, 2**48 + 1, None])
def test_a_count_out_of_range_has_no_size(count: int) -> None:
    with pytest.raises(InvalidInput, match=r"^count must be a whole number in \[0, .*\], got "):
        packed_bytes(count, 3)


@pytest.mark.parametrize(
    ("codes", "bits", "rule"),
    [
        (np.array([4], np.int8), 3, r"in \[-4, 4\) at 3 bits, got 0 to 4"),
        (np.array([-5], np.int8), 3, "got -5 to 0"),
        (np.array([256], np.int16), 9, r"in \[-256, 256\)"),
        (np.zeros(3, np.int16), 8, "of int8, got int16"),
        (np.zeros(3, np.int8), 9, "of int16, got int8"),
        (np.zeros(3, np.float32), 4, "got float32"),
        ([0, 1], 4, "got list"),
    ],
)
def test_codes_that_do_not_fit_the_width_are_refused(codes: Codes, bits: int, rule: str) -> None:
    with pytest.raises(InvalidInput, match=f"^codes must .*{rule}"):
        pack(codes, bits)


@pytest.mark.parametrize(
    ("data", "count", "rule"),
    [
        (np.zeros(2, np.uint8), 6, r"^data must have shape \(3,\) for 6 codes of 4 bits, got \(2,"),
        (np.zeros(4, np.uint8), 6, r"^data must have shape \(3,\)"),
        (np.zeros((1, 3), np.uint8), 6, r"^data must have shape \(3,\)"),
        (np.zeros(3, np.int8), 6, "^data must be an array of uint8, got int8"),
        (b"abc", 6, "^data must be an array of uint8, got bytes"),
        (np.zeros(3, np.uint8), -1, "^count must be a whole number"),
        (np.zeros(3, np.uint8), 6.0, "^count must be a whole number"),
    ],
)
def test_data_that_do_not_fit_the_count_are_refused(
    data: NDArray[np.uint8], count: int, rule: str
) -> None:
    with pytest.raises(InvalidInput, match=rule):
        unpack(data, 4, count)
