# SPDX-License-Identifier: Apache-2.0
"""Stores a weight once, in 8 bits, whose top b bits are a good code of b bits, b = 2 … 8.

A code is the weight's sign bit on top of seven bits that halve the row's range again and again: a
cell of b bits is a pair of those of b + 1. So a robot keeps one copy of its weights and has every
width from it, while it runs and without a disk. The halving is even where the row's law is
companded (``nested_laws``); on exponential magnitudes the nesting costs 2.2 % at 2 bits over the
best table's error, and less and less beyond (docs/theory.md, 2).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import nested_fit, nested_laws, rows, signed
from coinfer_ros.core.quantizers.nested_laws import BITS_HIGH, COUNT
from coinfer_ros.core.quantizers.rows import Weights

NAME = "nested"


@dataclass(frozen=True, eq=False)
class NestedCodes:
    """A tensor stored once for all widths; made only of parts that fit together.

    :param codes: (O, I...) uint8, the sign bit (1 is minus) on top of seven bits of magnitude.
    :param scales: (O,) float32, each row's greatest magnitude, weight units; 0 for a row of zeros.
    :param laws: (O,) uint8, each row's place in the table of laws.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    codes: NDArray[np.uint8]
    scales: Weights
    laws: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if not isinstance(self.codes, np.ndarray) or self.codes.dtype != np.uint8:
            raise InvalidInput(f"codes must be an array of uint8, got {messages.kind(self.codes)}")
        shape = self.codes.shape
        if len(shape) < 2 or min(shape) < 1:
            raise InvalidInput(f"codes must have two axes or more, none empty, got shape {shape}")
        count = len(self.codes)
        signed.column_of(self.scales, count)
        found = messages.described(self.laws)
        if found != f"uint8 of shape ({count},)":
            raise InvalidInput(f"laws must be uint8 of shape ({count},), got {found}")
        if self.laws.max() >= COUNT:
            raise InvalidInput(f"laws must be below {COUNT}, got {self.laws.max()}")

    @property
    def nbytes(self) -> int:
        """Bytes of codes, scales and laws."""
        return self.codes.nbytes + self.scales.nbytes + self.laws.nbytes

    def rows(self, which: slice) -> NestedCodes:
        """Return the codes of some rows, at least one."""
        if which == slice(None):
            return self
        return NestedCodes(self.codes[which], self.scales[which], self.laws[which])


def encode(weights: Weights) -> NestedCodes:
    """Store a tensor for all widths.

    :param weights: (O, I...) float32, finite, one scale for each index of the first axis.
    :raises InvalidInput: when ``weights`` breaks its rule or has magnitudes above 2^120.

    >>> stored = encode(np.array([[0.5, -1.0, 0.25]], np.float32))
    >>> decode(stored, 8).round(1), decode(stored, 2).round(1)
    (array([[ 0.5, -1. ,  0.3]], dtype=float32), array([[ 0.8, -0.8,  0.2]], dtype=float32))
    """
    values = rows.flat_weights(weights)
    scales = _scales(values)
    codes, laws = np.empty(values.shape, np.uint8), np.empty(len(values), np.uint8)
    height = max(1, rows.BLOCK // values.shape[1])
    for top in range(0, len(values), height):
        span = slice(top, top + height)
        relative = np.abs(values[span])
        relative /= np.where(scales[span] > 0, scales[span], np.inf)[:, None]
        laws[span], codes[span] = nested_fit.fit(relative)
        codes[span] |= np.signbit(values[span]).view(np.uint8) << 7
    return NestedCodes(codes.reshape(weights.shape), scales, laws)


def decode(nested: NestedCodes, bits: int, out: Weights | None = None) -> Weights:
    """Return the weights that the top bits of the codes stand for.

    :param nested: what ``encode`` returned.
    :param bits: bit-width b in [2, 8].
    :param out: memory for the result, C-contiguous float32 in the shape of the codes; left out,
        new memory.
    :returns: float32 in the shape of the codes.
    :raises InvalidInput: when an argument breaks its rule.
    """
    nested_laws.width(bits)
    codes = nested.codes.reshape(len(nested.codes), -1)
    weights = _target(out, nested.codes.shape).reshape(codes.shape)
    table, dropped = _table(bits), np.uint8(BITS_HIGH - bits)
    start = nested.laws.astype(np.intp)[:, None] << bits
    for span, columns in rows.spans(codes.shape):
        block = weights[span, columns]
        index = np.add(codes[span, columns] >> dropped, start[span], dtype=np.intp)
        # Every index is in the table; "clip" spares the copy that "raise" would make of it.
        np.take(table, index, out=block, mode="clip")
        np.multiply(block, nested.scales[span, None], out=block)
    return weights.reshape(nested.codes.shape)


def to_int8(nested: NestedCodes, bits: int) -> tuple[NDArray[np.int8], Weights]:
    """Return the weights of :func:`decode` in 127 even steps to a row's greatest one.

    That is what 8-bit kernels multiply; no weight becomes a float on the way.

    :param nested: what ``encode`` returned.
    :param bits: bit-width b in [2, 8].
    :returns: steps in [-127, 127] in the shape of the codes, and the size of each row's step (O,).
    :raises InvalidInput: when ``bits`` breaks its rule.
    """
    codes = nested.codes.reshape(len(nested.codes), -1)
    steps = np.empty(codes.shape, np.int8)
    table, tops = _steps(nested_laws.width(bits))
    dropped = np.uint8(BITS_HIGH - bits)
    start = nested.laws.astype(np.intp)[:, None] << bits
    for span, columns in rows.spans(codes.shape):
        index = np.add(codes[span, columns] >> dropped, start[span], dtype=np.intp)
        np.take(table, index, out=steps[span, columns], mode="clip")
    # A row's greatest weight is in its last cell at every width.
    return steps.reshape(nested.codes.shape), nested.scales * tops[nested.laws] / np.float32(127)


def law_distortion(bits: int) -> float:
    """Return λD of nested codes on Exp(λ), the limit of a long row, docs/theory.md, 2.

    :param bits: bit-width in [2, 8].
    :raises InvalidInput: when ``bits`` breaks its rule.

    >>> round(law_distortion(4), 6)
    0.119165
    """
    n = 2 ** (nested_laws.width(bits) - 1)
    ends = np.arange(n + 1.0) ** 2  # n² times the mass beyond each end, the last cell's first
    halves = (ends[1:] + ends[:-1]) / 2
    logs = ends * np.log(np.maximum(ends, 1.0))
    lost: np.float64 = np.sum(logs[1:] + logs[:-1] - 2.0 * halves * np.log(halves))
    return float(lost / n**2)


def _scales(values: Weights) -> Weights:
    scales = rows.greatest(values)
    if scales.max() > signed.SCALE_GREATEST:
        raise InvalidInput(f"weights must be at most 2^120 in magnitude, got {scales.max():g}")
    scales[scales < signed.SCALE_LEAST] = 0.0
    return scales


def _target(out: Weights | None, shape: tuple[int, ...]) -> Weights:
    if out is None:
        return np.empty(shape, np.float32)
    if messages.described(out) != f"float32 of shape {shape}" or not out.flags.c_contiguous:
        raise InvalidInput(
            f"out must be C-contiguous float32 of shape {shape}, got {messages.described(out)}"
        )
    return out


@functools.cache
def _table(bits: int) -> Weights:
    """Return the value of every code at scale 1, one law after the other."""
    values = nested_laws.values(bits)
    return np.concatenate([values, -values], axis=1).astype(np.float32).ravel()


@functools.cache
def _steps(bits: int) -> tuple[NDArray[np.int8], Weights]:
    """Return every code in steps of its law's last value, likewise, and those last values."""
    values = nested_laws.values(bits)
    steps = np.rint(127 * values / values[:, -1:])
    table = np.concatenate([steps, -steps], axis=1).astype(np.int8).ravel()
    return table, values[:, -1].astype(np.float32)
