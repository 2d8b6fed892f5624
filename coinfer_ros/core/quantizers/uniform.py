# SPDX-License-Identifier: Apache-2.0
"""Quantizes the rows of a tensor uniformly between plus and minus their greatest magnitude.

With M = 2^(b-1) - 1 and s the row's greatest magnitude, ``w' = sign(w) · (s/M) · round(|w|·M/s)``.
The paper quantizes uniformly but gives no formula (arXiv 2602.13052, Sec. VI-A); this one is ours.
Scales are the magnitudes s themselves, not the steps s/M: then a row's largest weight comes back
exactly, and quantizing twice changes nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.packing import Codes
from coinfer_ros.core.quantizers import rows
from coinfer_ros.core.quantizers.rows import Weights

BITS_LOW, BITS_HIGH = 2, 16


def choose_qparams(weights: Weights, bits: int) -> Weights:
    """Return each row's scale, its greatest magnitude.

    :param weights: (rows, columns...), finite.
    :param bits: bit-width in [2, 16]; the scale does not depend on it, yet is of no use without.
    :returns: scales (rows,), weight units; 0 for a row of zeros.
    :raises InvalidInput: when ``weights`` is not finite float32 of two axes or more, or is empty.

    >>> choose_qparams(np.array([[1.0, -3.0], [0.0, 0.0]], np.float32), bits=4)
    array([3., 0.], dtype=float32)
    """
    _top_code(bits)
    return rows.greatest(weights)


def quantize(weights: Weights, scales: Weights, bits: int) -> Codes:
    """Return each weight's code, a whole number in [-M, M]; beyond the scale it stops at M.

    Halves go to the even code, so the result is the same on every machine.

    :param weights: (rows, columns...), finite.
    :param scales: (rows,), weight units; a row of scale 0 gets code 0.
    :param bits: bit-width in [2, 16].
    :returns: codes in the shape of ``weights``, int8 up to 8 bits, else int16.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

    >>> quantize(np.array([[1.0, -3.0]], np.float32), np.array([3.0], np.float32), bits=4)
    array([[ 2, -7]], dtype=int8)
    """
    top = _top_code(bits)

    def kernel(block: Weights, scale: NDArray[np.float64], codes: NDArray[Any]) -> None:
        doubtful = np.flatnonzero(_doubtful(block, scale, top, codes))
        if doubtful.size:
            row, column = np.unravel_index(doubtful, block.shape)
            codes[row, column] = _exact(block[row, column], scale[row, 0], top)

    scale = rows.column_of(scales, len(rows.flat_weights(weights))).astype(np.float64)
    scale[scale == 0] = math.inf
    with np.errstate(over="ignore"):
        return rows.to_codes(weights, scale, bits, kernel)


def dequantize(codes: Codes, scales: Weights, bits: int) -> Weights:
    """Return the weights that codes stand for, ``code·s/M``.

    :param codes: (rows, columns...), whole numbers in [-M, M].
    :param scales: (rows,), weight units.
    :param bits: bit-width in [2, 16].
    :returns: float32 in the shape of ``codes``.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

    >>> dequantize(np.array([[2, -7]], np.int8), np.array([3.5], np.float32), bits=4)
    array([[ 1. , -3.5]], dtype=float32)
    """
    top = _top_code(bits)

    def kernel(block: Codes, scale: NDArray[np.float64], weights: Weights) -> None:
        product = np.multiply(block, scale, dtype=np.float64)
        np.divide(product, top, out=weights, casting="same_kind")

    scale = rows.column_of(scales, len(rows.flat_codes(codes))).astype(np.float64)
    return rows.to_weights(codes, scale, (-top, top), bits, kernel)


def cells(bits: int, scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the magnitudes that a row of ``scale`` comes back as, and where their cells begin.

    :param bits: bit-width in [2, 16].
    :param scale: weight units, of at least 0.
    :returns: values (M + 1,) and lower ends (M + 1,), the first 0; weight units, ascending.
    :raises InvalidInput: when an argument breaks its rule.
    """
    values = np.arange(_top_code(bits) + 1.0) * (rows.scale_of(scale) / _top_code(bits))
    return values, midpoints(values)


def midpoints(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the cells of ``values`` begin when every magnitude goes to the nearest.

    :param values: (n,), ascending.
    :returns: (n,), the first 0.
    """
    return np.concatenate([[0.0], (values[1:] + values[:-1]) / 2])


def _top_code(bits: int) -> int:
    return int(2 ** (checks.whole("bits", bits, low=BITS_LOW, high=BITS_HIGH) - 1)) - 1


def _exact(weights: Weights, scale: NDArray[np.float64], top: int) -> NDArray[np.float64]:
    # float64: |w|·M is then exact, so the quotient is rounded once only.
    codes: NDArray[np.float64] = np.rint(np.multiply(weights, top, dtype=np.float64) / scale)
    return np.clip(codes, -top, top)


def _doubtful(
    block: Weights, scale: NDArray[np.float64], top: int, codes: NDArray[Any]
) -> NDArray[np.bool_]:
    """Fill in the codes as float32 finds them; say which of them a rounding may have changed."""
    if not _are_safe(scale):
        return np.ones(block.shape, np.bool_)
    ratio = np.multiply(block, (top / scale).astype(np.float32))
    np.clip(ratio, np.float32(-top), np.float32(top), out=ratio)
    nearest = np.rint(ratio)
    np.copyto(codes, nearest, casting="unsafe")
    np.abs(np.subtract(ratio, nearest, out=ratio), out=ratio)
    # Two roundings of 2^-24 each move the ratio by M·2^-23; as much again is spare.
    return ratio >= np.float32(0.5 - top * 2.0**-22)


def _are_safe(scale: NDArray[np.float64]) -> bool:
    """Say whether M/s is a normal float32 for every row, or 0 for a row of zeros."""
    return bool(((scale >= 2.0**-100) & ((scale <= 2.0**100) | (scale == math.inf))).all())
