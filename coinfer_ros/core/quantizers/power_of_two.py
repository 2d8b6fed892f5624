# SPDX-License-Identifier: Apache-2.0
"""Quantizes the rows of a tensor to 0 and powers of two up to about their greatest magnitude.

The paper's nonuniform quantizer has no formula (arXiv 2602.13052, Sec. VI-A); this one is ours.
With s the row's greatest magnitude the levels are 0, ±2^n2, …, ±2^n1 where n1 = ⌊log2(4s/3)⌋, and
every weight goes to the nearest. ``INQ`` leaves half of the codes unused, n2 = n1 + 1 - 2^(b-2);
``FULL`` spends all of them, n2 = n1 + 2 - 2^(b-1). Neither has more than 127 levels a side: others
would be less than 2^-126 of the greatest. A scale is the greatest level 2^n1.

The bits of a float32 are its exponent and mantissa, so half a mantissa added to them carries at 1.5
times a power of two, the midpoint to the next: all bounds are exact. The least normal float32 is
2^-126, and a lesser level is never chosen: what is nearer to 0 than to 2^-126 goes to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import Codes
from coinfer_ros.core.quantizers import rows
from coinfer_ros.core.quantizers.rows import Weights
from coinfer_ros.core.quantizers.uniform import midpoints

BITS_LOW, BITS_HIGH = 2, 16

MANTISSA_BITS = 23
HALF = 1 << (MANTISSA_BITS - 1)  # half a mantissa; as a float32 it is 2^-127
LEAST = 3 << (MANTISSA_BITS - 2)  # as a float32 3/4 of 2^-126, which has the least normal level
GREATEST_EXPONENT = 254  # as float32 stores it; 255 is infinity
LEVELS_MOST = 127  # so that the ratio of the least to the greatest is a normal float32


@dataclass(frozen=True)
class PowerOfTwo:
    """The verbs, for one choice of how many levels b bits have.

    :param levels: bit-width to number of levels a side of 0, n1 - n2 + 1.
    """

    levels: Callable[[int], int]

    def choose_qparams(self, weights: Weights, bits: int) -> Weights:
        """Return each row's scale, its greatest level 2^n1.

        :param weights: (rows, columns...), finite.
        :param bits: bit-width in [2, 16]; the scale does not depend on it.
        :returns: scales (rows,), weight units; 0 for a row of zeros.
        :raises InvalidInput: when an argument breaks its rule.

        >>> INQ.choose_qparams(np.array([[1.0, -3.0], [0.0, 0.0]], np.float32), bits=4)
        array([4., 0.], dtype=float32)
        """
        self.levels(bits)
        stored = rows.greatest(weights).view(np.int32)
        exponents = np.minimum((stored + HALF) >> MANTISSA_BITS, GREATEST_EXPONENT)
        exponents[stored < LEAST] = 0  # below, the sum above rounds at half instead
        scales: Weights = (exponents << MANTISSA_BITS).view(np.float32)
        return scales

    def quantize(self, weights: Weights, scales: Weights, bits: int) -> Codes:
        """Return each weight's code: the number of its level, counted from n2 = 1, and the sign.

        :param weights: (rows, columns...), finite.
        :param scales: (rows,), weight units; 0 or powers of two.
        :param bits: bit-width in [2, 16].
        :returns: codes in the shape of ``weights``, int8 up to 8 bits, else int16.
        :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

        >>> INQ.quantize(np.array([[1.0, -3.0]], np.float32), np.array([4.0], np.float32), bits=4)
        array([[ 2, -4]], dtype=int8)
        """
        levels = self.levels(bits)
        # Half the least level is the midpoint to 0.
        vanishes = -levels << MANTISSA_BITS

        def kernel(block: Weights, top: NDArray[np.int32], codes: NDArray[Any]) -> None:
            stored = block.view(np.int32) & 0x7FFFFFFF
            there = stored >= np.where(top > 0, HALF, np.iinfo(np.int32).max)
            stored -= top
            there &= stored >= vanishes
            stored += HALF
            stored >>= MANTISSA_BITS  # the level's number, 0 for the greatest
            number = np.clip(stored, 1 - levels, 0, out=stored).astype(codes.dtype)
            np.multiply(number + codes.dtype.type(levels), there, out=codes)
            minus = np.signbit(block).view(np.int8)
            codes ^= -minus
            codes += minus

        scale = _column_of(scales, len(rows.flat_weights(weights)))
        return rows.to_codes(weights, scale, bits, kernel)

    def dequantize(self, codes: Codes, scales: Weights, bits: int) -> Weights:
        """Return the weights that codes stand for, powers of two and 0.

        :param codes: (rows, columns...), whole numbers that ``quantize`` can give.
        :param scales: (rows,), weight units; 0 or powers of two.
        :param bits: bit-width in [2, 16].
        :returns: float32 in the shape of ``codes``.
        :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

        >>> INQ.dequantize(np.array([[2, -4, 0]], np.int8), np.array([4.0], np.float32), bits=4)
        array([[ 1., -4.,  0.]], dtype=float32)
        """
        levels = self.levels(bits)
        sizes = np.exp2(np.arange(1.0 - levels, 1.0))
        table = np.concatenate([-sizes[::-1], [0.0], sizes]).astype(np.float32)
        scale = _column_of(scales, len(rows.flat_codes(codes))).view(np.float32)
        return rows.look_up(codes, scale, table, (-levels, levels), bits)

    def cells(self, bits: int, scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the magnitudes that a row of ``scale`` comes back as, and where their cells begin.

        :param bits: bit-width in [2, 16].
        :param scale: weight units, 0 or a power of two.
        :returns: values (levels + 1,) and lower ends (levels + 1,), the first 0; weight units.
        :raises InvalidInput: when an argument breaks its rule.
        """
        sizes = rows.scale_of(scale) * np.exp2(np.arange(1.0 - self.levels(bits), 1.0))
        values = np.concatenate([[0.0], sizes])
        return values, midpoints(values)


def _inq(bits: int) -> int:
    return min(int(2 ** (_checked(bits) - 2)), LEVELS_MOST)


def _full(bits: int) -> int:
    return min(int(2 ** (_checked(bits) - 1)) - 1, LEVELS_MOST)


def _checked(bits: int) -> int:
    return checks.whole("bits", bits, low=BITS_LOW, high=BITS_HIGH)


INQ, FULL = PowerOfTwo(_inq), PowerOfTwo(_full)


def _column_of(scales: Weights, count: int) -> NDArray[np.int32]:
    column = rows.column_of(scales, count).view(np.int32)
    offends = column >> MANTISSA_BITS << MANTISSA_BITS != column
    if offends.any():
        found = messages.first(column.view(np.float32), offends)
        raise InvalidInput(f"scales must be 0 or powers of two of at least 2^-126, got {found}")
    return column
