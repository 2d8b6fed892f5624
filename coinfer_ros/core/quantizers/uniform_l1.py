# SPDX-License-Identifier: Apache-2.0
"""Quantizes magnitudes uniformly, the step chosen for the least mean absolute error on Exp(λ).

``θ' = (min(⌊θ/Δ⌋, n-1) + 1/2)·Δ`` with n = 2^(b-1) magnitudes beside the sign. With h = Δ/2 its
error on Exp(1) is ``h - tanh(h/2) + 2·exp(-2nh) / (1 + exp(-h))``, a geometric sum over the cells.
With y = exp(-h) its slope is 0 where ``y^-2n + y^(2-2n) = 2·(2n + (2n-1)·y)``; the left side does
not rise with y and the right side does, so there is one such step.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.packing import Codes
from coinfer_ros.core.quantizers import rows, signed
from coinfer_ros.core.quantizers.rows import Weights

choose_qparams = signed.choose_qparams


def quantize(weights: Weights, scales: Weights, bits: int) -> Codes:
    """Return each weight's code: ⌊|w|/Δ⌋, at most n - 1, and the sign.

    The quotient is rounded to float32, which decides only for weights that near a bound.

    :param weights: (rows, columns...), finite.
    :param scales: (rows,), weight units; 0 or in [2^-100, 2^120].
    :param bits: bit-width in [1, 16].
    :returns: codes in the shape of ``weights``, int8 up to 8 bits, else int16.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

    >>> quantize(np.array([[1.0, -3.0]], np.float32), np.array([1.0], np.float32), bits=2)
    array([[ 0, -2]], dtype=int8)
    """
    top = np.float32(signed.magnitudes(bits) - 1)
    scale = signed.column_of(scales, len(rows.flat_weights(weights)))

    def kernel(block: Weights, per_step: Weights, codes: NDArray[Any]) -> None:
        steps = np.abs(block)
        np.multiply(steps, per_step, out=steps)
        np.clip(steps, np.float32(0.0), top, out=steps)
        np.copyto(codes, steps, casting="unsafe")
        signed.add_signs(codes, block)

    with np.errstate(over="ignore"):  # what is beyond float32 is beyond the last bound
        return rows.to_codes(weights, signed.reciprocal(scale * unit_step(bits)), bits, kernel)


def dequantize(codes: Codes, scales: Weights, bits: int) -> Weights:
    """Return the weights that codes stand for; (code + 1/2)·Δ for either sign.

    :param codes: (rows, columns...), whole numbers in [-n, n).
    :param scales: (rows,), weight units; 0 or in [2^-100, 2^120].
    :param bits: bit-width in [1, 16].
    :returns: float32 in the shape of ``codes``.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.

    >>> dequantize(np.array([[0, -1]], np.int8), np.array([2.0], np.float32), bits=1)
    array([[ 1.3862944, -1.3862944]], dtype=float32)
    """
    levels = signed.magnitudes(bits)

    def kernel(block: Codes, step: Weights, weights: Weights) -> None:
        np.add(block, np.float32(0.5), out=weights)
        np.multiply(weights, step, out=weights)

    scale = signed.column_of(scales, len(rows.flat_codes(codes)))
    step = (scale * unit_step(bits)).astype(np.float32)
    return rows.to_weights(codes, step, (-levels, levels - 1), bits, kernel)


def cells(bits: int, scale: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the magnitudes that a row of ``scale`` comes back as, and where their cells begin.

    :param bits: bit-width in [1, 16].
    :param scale: weight units, of at least 0.
    :returns: values (n,) and lower ends (n,), the first 0; weight units, ascending.
    :raises InvalidInput: when an argument breaks its rule.
    """
    index = np.arange(signed.magnitudes(bits), dtype=np.float64)
    step = rows.scale_of(scale) * unit_step(bits)
    return (index + 0.5) * step, index * step


@functools.cache
def unit_step(bits: int) -> float:
    """Return the step Δ of least mean absolute error on Exp(1).

    :param bits: bit-width in [1, 16].
    :raises InvalidInput: when ``bits`` breaks its rule.

    >>> [round(unit_step(bits), 4) for bits in (2, 3, 4)]
    [1.0746, 0.7129, 0.4412]
    """
    levels = signed.magnitudes(bits)
    low, high = 0.0, math.log(2.0)  # h of one magnitude, the median; more of them are closer
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _falls(middle, levels) else (low, middle)
    return 2.0 * high


def _falls(half_step: float, levels: int) -> bool:
    """Say whether a wider step has less error."""
    y = math.exp(-half_step)
    beyond = math.exp(-2 * levels * half_step)
    return 1.0 + y * y < 2.0 * beyond * (2 * levels + (2 * levels - 1) * y)
