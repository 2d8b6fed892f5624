# SPDX-License-Identifier: Apache-2.0
"""Finds the law that suits each row of magnitudes best, and the nested cells of them under it."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.quantizers import nested_laws
from coinfer_ros.core.quantizers.nested_laws import BITS_HIGH, BITS_LOW, COUNT, Reals

WIDTHS = range(BITS_LOW, BITS_HIGH + 1)
FINEST = 1 << (BITS_HIGH - 1)  # cells of the widest code, beside the sign

# A magnitude over its row's greatest is read as the top bits of its float32 pattern, a key: octaves
# in 2^10 parts, from 2^-16, half a finest cell of the steepest law, to 1. A bin is 2^7 keys.
_DROPPED_BITS, _BIN_BITS = 13, 7
_LAST_KEY = 16 << 10
_FIRST_PATTERN = (int(np.float32(1.0).view(np.uint32)) >> _DROPPED_BITS) - _LAST_KEY
_BINS = (_LAST_KEY >> _BIN_BITS) + 1


@functools.cache
def lower_ends() -> Reals:
    """Return where each law's finest cells begin, over the row's greatest magnitude.

    They are rounded to keys, 2^-11 of themselves, so that a look-up finds the cell exactly.

    :returns: (laws, 128), the first 0.
    """
    greatest = nested_laws.medians(BITS_HIGH)[:, -1:]
    ends = nested_laws.magnitude_at(np.arange(FINEST) / FINEST) / greatest
    return _magnitudes(_keys((ends * (1.0 + 2.0**-11)).astype(np.float32)))


def fit(relative: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the law of each row that loses least over all widths, and its finest cells.

    The mean absolute error about halves a bit, so 2^b times it weighs all widths alike.

    :param relative: (rows, columns), magnitudes over their row's greatest, in [0, 1].
    :returns: places in the table of laws (rows,) and cells (rows, columns), in [0, 128).
    """
    keys = _keys(relative)
    rows = np.arange(len(keys))[:, None]
    bins = ((keys >> _BIN_BITS) + rows * _BINS).ravel()
    counts = np.bincount(bins, minlength=len(keys) * _BINS).reshape(-1, _BINS)
    # A matrix product would wait for threads of its own, which frames keep from their cores.
    lost = np.einsum("rb,lb->rl", counts.astype(np.float64), _losses())
    laws = lost.argmin(axis=1)
    keys += laws[:, None] * (_LAST_KEY + 1)
    return laws.astype(np.uint8), _cell_of_key().take(keys)


def _keys(relative: NDArray[np.float32]) -> NDArray[np.intp]:
    patterns = relative.view(np.int32) >> _DROPPED_BITS
    np.clip(patterns, _FIRST_PATTERN, _FIRST_PATTERN + _LAST_KEY, out=patterns)
    keys: NDArray[np.intp] = np.subtract(patterns, _FIRST_PATTERN, dtype=np.intp)
    return keys


def _magnitudes(keys: NDArray[np.intp]) -> Reals:
    """Return the least magnitude of each key, over the row's greatest; that of the first is 0."""
    patterns = (keys + _FIRST_PATTERN).astype(np.int32) << _DROPPED_BITS
    return np.where(keys > 0, patterns.view(np.float32), 0.0).astype(np.float64)


@functools.cache
def _cell_of_key() -> NDArray[np.uint8]:
    """Return the finest cell that each key is in, one law after the other."""
    magnitudes = _magnitudes(np.arange(_LAST_KEY + 1))
    found = [np.searchsorted(ends[1:], magnitudes, side="right") for ends in lower_ends()]
    return np.concatenate(found).astype(np.uint8)


@functools.cache
def _losses() -> Reals:
    """Return Σ 2^b·|x - x'| over the widths, its mean over the keys of each bin, (laws, bins)."""
    magnitudes = _magnitudes(np.arange(_LAST_KEY + 1))
    cells = _cell_of_key().reshape(COUNT, -1)
    losses = np.empty((COUNT, _BINS))
    starts = np.arange(_BINS) << _BIN_BITS
    lengths = np.append(np.full(_BINS - 1, 1 << _BIN_BITS), 1)
    for law in range(COUNT):
        total = np.zeros(len(magnitudes))
        for bits in WIDTHS:
            back = nested_laws.values(bits)[law][cells[law] >> (BITS_HIGH - bits)]
            total += 2.0**bits * np.abs(back - magnitudes)
        losses[law] = np.add.reduceat(total, starts) / lengths
    return losses
