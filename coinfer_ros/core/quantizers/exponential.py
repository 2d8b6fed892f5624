# SPDX-License-Identifier: Apache-2.0
"""Quantizes magnitudes to the n values that have the least mean absolute error on Exp(λ).

With n = 2^(b-1) magnitudes beside the sign, the values are ``-ln((n-i)² / (n(n+1))) / λ`` and their
cells begin at ``-ln((n-i+1)(n-i) / (n(n+1))) / λ``, i = 0 … n-1. They reach λD = ln(1 + 1/n), below
the upper bound of arXiv 2602.13052, eq. (26): docs/theory.md, 2.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, limits
from coinfer_ros.core.packing import Codes
from coinfer_ros.core.quantizers import rows, signed
from coinfer_ros.core.quantizers.rows import Weights

choose_qparams = signed.choose_qparams


def codebook(levels: int, weight_rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the best table of magnitudes for Exp(λ) under absolute error, docs/theory.md, 2.

    :param levels: how many magnitudes n, in [1, 2^20].
    :param weight_rate: λ in 1/weight unit.
    :returns: values (n,) and the lower ends of their cells (n,), the first 0; weight units.
    :raises InvalidInput: when an argument breaks its rule.

    >>> values, lower_ends = codebook(2, weight_rate=1.0)
    >>> values.round(6).tolist(), lower_ends.round(6).tolist()
    ([0.405465, 1.791759], [0.0, 1.098612])
    """
    n = checks.whole("levels", levels, low=1, high=2**20)
    rate = limits.WEIGHT_RATE.check("weight_rate", weight_rate)
    i = np.arange(n, dtype=np.float64)
    # ln n - ln(n - i) as log1p: the two are near each other, or n - i is small beside n.
    down = np.log1p(i / (n - i))
    return (np.log1p(1.0 / n) + 2.0 * down) / rate, (down + np.log1p(i / (n + 1.0 - i))) / rate


def quantize(weights: Weights, scales: Weights, bits: int) -> Codes:
    """Return each weight's code: the cell that its magnitude is in, and the sign.

    The lower ends solved for i: ⌊n + 1/2 - √(n(n+1)·exp(-λθ) + 1/4)⌋. It is computed in float32,
    which decides only for weights that near a bound.

    :param weights: (rows, columns...), finite.
    :param scales: (rows,), weight units; 0 or in [2^-100, 2^120].
    :param bits: bit-width in [1, 16].
    :returns: codes in the shape of ``weights``, int8 up to 8 bits, else int16.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

    >>> quantize(np.array([[1.0, -1.2]], np.float32), np.array([1.0], np.float32), bits=2)
    array([[ 0, -2]], dtype=int8)
    """
    n = signed.magnitudes(bits)
    scale = signed.column_of(scales, len(rows.flat_weights(weights)))

    def kernel(block: Weights, rate: Weights, codes: NDArray[Any]) -> None:
        index = np.abs(block)
        np.exp(np.multiply(index, rate, out=index), out=index)
        np.multiply(index, np.float32(n * (n + 1)), out=index)
        np.sqrt(np.add(index, np.float32(0.25), out=index), out=index)
        np.subtract(np.float32(n + 0.5), index, out=index)
        np.clip(index, np.float32(0.0), np.float32(n - 1), out=index)
        np.copyto(codes, index, casting="unsafe")
        signed.add_signs(codes, block)

    with np.errstate(over="ignore"):  # exp(-inf) is 0, the last cell
        return rows.to_codes(weights, -signed.reciprocal(scale), bits, kernel)


def dequantize(codes: Codes, scales: Weights, bits: int) -> Weights:
    """Return the weights that codes stand for, read from the table.

    :param codes: (rows, columns...), whole numbers in [-n, n).
    :param scales: (rows,), weight units; 0 or in [2^-100, 2^120].
    :param bits: bit-width in [1, 16].
    :returns: float32 in the shape of ``codes``.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

    >>> dequantize(np.array([[0, -1]], np.int8), np.array([2.0], np.float32), bits=1)
    array([[ 1.3862944, -1.3862944]], dtype=float32)
    """
    n = signed.magnitudes(bits)
    scale = signed.column_of(scales, len(rows.flat_codes(codes))).astype(np.float32)
    return rows.look_up(codes, scale, _table(bits), (-n, n - 1), bits)


def cells(bits: int, scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the magnitudes that a row of ``scale`` comes back as, and where their cells begin.

    :param bits: bit-width in [1, 16].
    :param scale: weight units, of at least 0.
    :returns: values (n,) and lower ends (n,), the first 0; weight units, ascending.
    :raises InvalidInput: when an argument breaks its rule.
    """
    values, lower_ends = codebook(signed.magnitudes(bits), 1.0)
    return rows.scale_of(scale) * values, rows.scale_of(scale) * lower_ends


@functools.cache
def _table(bits: int) -> Weights:
    values, _ = codebook(signed.magnitudes(bits), 1.0)
    return np.concatenate([-values[::-1], values]).astype(np.float32)
