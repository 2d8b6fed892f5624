# SPDX-License-Identifier: Apache-2.0
"""What the quantizers share that keep a weight's sign bit and quantize its magnitude.

One of b bits is the sign, so there are n = 2^(b-1) magnitudes (arXiv 2602.13052, Sec. II-C). The
i-th, counted from 0, has code i with a plus sign and -(i + 1) with a minus sign: all 2^b codes of b
bits. A weight of 0.0 goes to the least magnitude, and its own sign bit decides on which side.

The scale of a row is its mean magnitude, the maximum-likelihood estimate of 1/λ, so that a row of
zeros has scale 0 and comes back as zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import rows
from coinfer_ros.core.quantizers.rows import Weights

BITS_LOW, BITS_HIGH = 1, 16

# Within these a step of 16 bits, its reciprocal and the greatest magnitude are normal float32.
SCALE_LEAST, SCALE_GREATEST = 2.0**-100, 2.0**120


def magnitudes(bits: int) -> int:
    """Return how many magnitudes a weight of ``bits`` bits has, n = 2^(b-1).

    :raises InvalidInput: when ``bits`` is not in [1, 16].
    """
    return int(2 ** (checks.whole("bits", bits, low=BITS_LOW, high=BITS_HIGH) - 1))


def choose_qparams(weights: Weights, bits: int) -> Weights:
    """Return each row's scale, its mean magnitude 1/λ; below 2^-100 it counts as 0.

    :param weights: (rows, columns...), finite.
    :param bits: bit-width in [1, 16]; the scale does not depend on it.
    :returns: scales (rows,), weight units; 0 for a row of zeros.
    :raises InvalidInput: when an argument breaks its rule or a mean is above 2^120.

    >>> choose_qparams(np.array([[1.0, -3.0], [0.0, 0.0]], np.float32), bits=4)
    array([2., 0.], dtype=float32)
    """
    magnitudes(bits)
    means = rows.mean_magnitude(weights)
    if means.max() > SCALE_GREATEST:
        raise InvalidInput(
            f"weights must have mean magnitudes of at most 2^120, got {means.max():g}"
        )
    means[means < SCALE_LEAST] = 0.0
    return means.astype(np.float32)


def column_of(scales: Weights, count: int) -> NDArray[np.float64]:
    """Return scales (rows,) as (rows, 1).

    :raises InvalidInput: when they are not one a row, each 0 or in [2^-100, 2^120].
    """
    column = rows.column_of(scales, count).astype(np.float64)
    offends = (column != 0) & ((column < SCALE_LEAST) | (column > SCALE_GREATEST))
    if offends.any():
        found = messages.first(column, offends)
        raise InvalidInput(f"scales must be 0 or in [2^-100, 2^120], got {found}")
    return column


def reciprocal(column: NDArray[np.float64]) -> Weights:
    """Return one over each scale as float32, 0 for a scale of 0."""
    inverse = np.divide(1.0, column, out=np.zeros_like(column), where=column > 0)
    return inverse.astype(np.float32)


def add_signs(codes: NDArray[Any], weights: Weights) -> None:
    """Turn indices of magnitudes into codes, in place."""
    # i XOR -1 is -(i + 1).
    minus = np.negative(np.signbit(weights).view(np.int8))
    np.bitwise_xor(codes, minus, out=codes)
