# SPDX-License-Identifier: Apache-2.0
"""Quantizes the rows of a tensor uniformly between plus and minus their greatest magnitude.

A row is an output channel of a weight matrix (rows, columns...) or a token of an embedding
(T, C). With M = 2^(b-1) - 1 and s the row's greatest magnitude,
``w' = sign(w) · (s/M) · round(|w|·M/s)``. The paper quantizes uniformly but gives no formula
(arXiv 2602.13052, Sec. VI-A); this one is ours. Scales are the magnitudes s themselves, not the
steps s/M: then a row's largest weight comes back exactly, and quantizing twice changes nothing.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

Codes = NDArray[np.int8] | NDArray[np.int16]

BITS_LOW, BITS_HIGH = 2, 16
SCALE_BITS = 32


def choose_qparams(weights: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return each row's scale, its greatest magnitude.

    :param weights: (rows, columns...), finite.
    :param bits: bit-width in [2, 16]; the scale does not depend on it, yet is of no use without.
    :returns: scales (rows,), weight units; 0 for a row of zeros.
    :raises InvalidInput: when ``weights`` is not finite float32 of two axes or more, or is empty.

    >>> choose_qparams(np.array([[1.0, -3.0], [0.0, 0.0]], np.float32), bits=4)
    array([3., 0.], dtype=float32)
    """
    _top_code(bits)
    _check_weights(weights)
    scales: NDArray[np.float32] = np.abs(weights).reshape(len(weights), -1).max(axis=1)
    return scales


def quantize(weights: NDArray[np.float32], scales: NDArray[np.float32], bits: int) -> Codes:
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
    _check_weights(weights)
    scale = _column(scales, weights.shape)
    # float64 throughout: |w|·M is then exact, so the quotient is rounded once only.
    ratio = np.divide(
        weights.astype(np.float64) * top, scale, out=np.zeros(weights.shape), where=scale > 0
    )
    np.clip(np.rint(ratio, out=ratio), -top, top, out=ratio)
    return ratio.astype(np.int8) if bits <= 8 else ratio.astype(np.int16)


def dequantize(codes: Codes, scales: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
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
    if not isinstance(codes, np.ndarray) or codes.dtype.kind not in "iu":
        raise InvalidInput(f"codes must be an array of whole numbers, got {_kind(codes)}")
    _check_shape("codes", codes.shape)
    # min and max, not abs: the absolute value of int8's -128 is -128.
    least, greatest = int(codes.min()), int(codes.max())
    if least < -top or greatest > top:
        raise InvalidInput(
            f"codes must be in [{-top}, {top}] at {bits} bits, got {least} to {greatest}"
        )
    weights = codes.astype(np.float64) * _column(scales, codes.shape)
    return (weights / top).astype(np.float32)


def stored_bits(shape: tuple[int, ...], bits: int) -> int:
    """Return the bits that a quantized tensor really takes, its rows' float32 scales included.

    :param shape: (rows, columns...).
    :param bits: bit-width in [2, 16].
    :raises InvalidInput: when ``bits`` or ``shape`` breaks its rule.

    >>> stored_bits((32, 2560), bits=4) / (32 * 2560)
    4.0125
    """
    _top_code(bits)
    _check_shape("shape", shape)
    return math.prod(shape) * bits + shape[0] * SCALE_BITS


def _top_code(bits: int) -> int:
    return int(2 ** (checks.whole("bits", bits, low=BITS_LOW, high=BITS_HIGH) - 1)) - 1


def _check_weights(weights: NDArray[np.float32]) -> None:
    if not isinstance(weights, np.ndarray) or weights.dtype != np.float32:
        raise InvalidInput(f"weights must be an array of float32, got {_kind(weights)}")
    _check_shape("weights", weights.shape)
    if not np.isfinite(weights).all():
        raise InvalidInput("weights must be finite, got a NaN or an infinity")


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or min(shape) < 1:
        raise InvalidInput(f"{name} must have two axes or more, none empty, got shape {shape}")


def _column(scales: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Check the scales (rows,) and return them as (rows, 1...), to go with ``shape``."""
    if not isinstance(scales, np.ndarray) or scales.dtype != np.float32:
        raise InvalidInput(f"scales must be an array of float32, got {_kind(scales)}")
    if scales.shape != shape[:1]:
        raise InvalidInput(f"scales must have shape {shape[:1]}, one a row, got {scales.shape}")
    if not (np.isfinite(scales) & (scales >= 0)).all():
        raise InvalidInput("scales must be finite and at least 0, got another")
    return scales.astype(np.float64).reshape(-1, *(1 for _ in shape[1:]))


def _kind(value: object) -> str:
    return str(value.dtype) if isinstance(value, np.ndarray) else type(value).__name__
