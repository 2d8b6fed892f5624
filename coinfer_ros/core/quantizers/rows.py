# SPDX-License-Identifier: Apache-2.0
"""What every quantizer does with the rows of a tensor: check them, and go through them in blocks.

A row is all that shares one scale: an output channel of a weight matrix (rows, columns...), a token
of an embedding (T, C), or what ``granularity`` makes of a tensor. A block is a part of a row or
some whole rows, few enough that all steps of one stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import Codes, code_type

Weights = NDArray[np.float32]
Kernel = Callable[[NDArray[Any], NDArray[Any], NDArray[Any]], None]

BLOCK = 1 << 17


def greatest(weights: Weights) -> Weights:
    """Return each row's greatest magnitude.

    :param weights: (rows, columns...), finite.
    :returns: (rows,), weight units.
    :raises InvalidInput: when ``weights`` breaks its rule.
    """
    values = flat_weights(weights)
    found = np.zeros(len(values), np.float32)
    for rows, columns in spans(values.shape):
        block = values[rows, columns]
        np.maximum(found[rows], block.max(axis=1), out=found[rows])
        np.maximum(found[rows], -block.min(axis=1), out=found[rows])
    return check_finite(np.abs(found))  # of 0.0 and -0.0, maximum may return either


def mean_magnitude(weights: Weights) -> NDArray[np.float64]:
    """Return each row's mean magnitude, the maximum-likelihood estimate of 1/λ.

    :param weights: (rows, columns...), finite.
    :returns: (rows,), weight units.
    :raises InvalidInput: when ``weights`` breaks its rule.
    """
    values = flat_weights(weights)
    totals = np.zeros(len(values))
    for rows, columns in spans(values.shape):
        totals[rows] += np.abs(values[rows, columns]).sum(axis=1, dtype=np.float64)
    means: NDArray[np.float64] = check_finite(totals) / values.shape[1]
    return means


def to_codes(weights: Weights, column: NDArray[Any], bits: int, kernel: Kernel) -> Codes:
    """Return what ``kernel(block, scale, codes)`` makes of each block of weights.

    :param weights: (rows, columns...), finite.
    :param column: (rows, 1), what the kernel needs of each row.
    :returns: codes in the shape of ``weights``.
    :raises InvalidInput: when ``weights`` breaks its rule.
    """
    values = flat_weights(weights)
    codes = np.empty(values.shape, code_type(bits))
    for rows, columns in spans(values.shape):
        kernel(check_finite(values[rows, columns]), column[rows], codes[rows, columns])
    return codes.reshape(weights.shape)


def to_weights(
    codes: Codes, column: NDArray[Any], allowed: tuple[int, int], bits: int, kernel: Kernel
) -> Weights:
    """Return what ``kernel(block, scale, weights)`` makes of each block of codes.

    :param codes: (rows, columns...), whole numbers.
    :param column: (rows, 1), what the kernel needs of each row.
    :param allowed: least and greatest code.
    :returns: float32 in the shape of ``codes``.
    :raises InvalidInput: when ``codes`` breaks its rule.
    """
    values = flat_codes(codes)
    weights = np.empty(values.shape, np.float32)
    for rows, columns in spans(values.shape):
        block = values[rows, columns]
        _check_range(block, allowed, bits)
        kernel(block, column[rows], weights[rows, columns])
    return weights.reshape(codes.shape)


def look_up(
    codes: Codes, column: Weights, table: Weights, allowed: tuple[int, int], bits: int
) -> Weights:
    """Return ``table[code] · scale``.

    :param codes: (rows, columns...), whole numbers.
    :param column: (rows, 1), scales.
    :param table: the value of every allowed code at scale 1, least code first.
    :param allowed: least and greatest code.
    :returns: float32 in the shape of ``codes``.
    :raises InvalidInput: when ``codes`` breaks its rule.
    """

    def kernel(block: Codes, scale: Weights, weights: Weights) -> None:
        index = np.subtract(block, allowed[0], dtype=np.intp)
        # Every index is in the table; "clip" spares the copy that "raise" would make of it.
        np.take(table, index, out=weights, mode="clip")
        np.multiply(weights, scale, out=weights)

    return to_weights(codes, column, allowed, bits, kernel)


def spans(shape: tuple[int, ...], size: int = BLOCK) -> Iterator[tuple[slice, slice]]:
    """Yield the rows and columns of each block, first to last.

    :param shape: (rows, columns).
    :param size: most weights of a block: whole rows, or part of one that is longer.
    """
    count, columns = shape
    height, width = max(1, size // columns), min(columns, size)
    for top in range(0, count, height):
        for left in range(0, columns, width):
            yield slice(top, top + height), slice(left, left + width)


def flat_weights(weights: Weights) -> Weights:
    """Return weights as (rows, columns).

    :raises InvalidInput: when they are not float32 of two axes or more, or none.
    """
    if not isinstance(weights, np.ndarray) or weights.dtype != np.float32:
        raise InvalidInput(f"weights must be an array of float32, got {messages.kind(weights)}")
    _check_shape("weights", weights.shape)
    return weights.reshape(len(weights), -1)


def flat_codes(codes: Codes) -> Codes:
    """Return codes as (rows, columns).

    :raises InvalidInput: when they are not whole numbers of two axes or more, or none.
    """
    if not isinstance(codes, np.ndarray) or codes.dtype.kind not in "iu":
        raise InvalidInput(f"codes must be an array of whole numbers, got {messages.kind(codes)}")
    _check_shape("codes", codes.shape)
    return codes.reshape(len(codes), -1)


def check_finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return ``values``, which are weights or what NaN and infinities of weights pass on to.

    :raises InvalidInput: when one is not finite.
    """
    if not np.isfinite(values).all():
        raise InvalidInput("weights must be finite, got a NaN or an infinity")
    return values


def column_of(scales: Weights, rows: int) -> Weights:
    """Return scales (rows,) as (rows, 1).

    :raises InvalidInput: when they are not one a row, or below 0 or not finite.
    """
    if not isinstance(scales, np.ndarray) or scales.dtype != np.float32:
        raise InvalidInput(f"scales must be an array of float32, got {messages.kind(scales)}")
    if scales.shape != (rows,):
        raise InvalidInput(f"scales must have shape {(rows,)}, one a row, got {scales.shape}")
    offends = ~(np.isfinite(scales) & (scales >= 0))
    if offends.any():
        found = messages.first(scales, offends)
        raise InvalidInput(f"scales must be finite and at least 0, got {found}")
    return scales.reshape(-1, 1)


def scale_of(scale: float) -> float:
    """Return the scale of one row.

    :raises InvalidInput: when it is below 0 or not finite.
    """
    return checks.number("scale", scale, low=0.0, unit="weight units")


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    if len(shape) < 2 or min(shape) < 1:
        raise InvalidInput(f"{name} must have two axes or more, none empty, got shape {shape}")


def _check_range(block: Codes, allowed: tuple[int, int], bits: int) -> None:
    # min and max, not abs: the absolute value of int8's -128 is -128.
    least, greatest_code = int(block.min()), int(block.max())
    if least < allowed[0] or greatest_code > allowed[1]:
        raise InvalidInput(
            f"codes must be in {list(allowed)} at {bits} bits, got {least} to {greatest_code}"
        )
