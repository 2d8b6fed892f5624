# SPDX-License-Identifier: Apache-2.0
"""Stores signed codes of any width without a gap between them, and gets the same codes back.

Up to 8 bits, code k is bits [k·b, (k+1)·b) of the data, where bit j is bit j mod 8 of byte j // 8:
little-endian throughout. Above 8 bits there are two planes, first the low byte of every code, then
the upper b - 8 bits packed as above. Either way that is ceil(count·b / 8) bytes, and the bits that
fill up the last one are 0.

Eight codes are moved at once: as the bytes of one 64-bit number, whose halves, quarters and eighths
close up in three steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput

Codes = NDArray[np.int8 | np.int16]
Lanes = NDArray[np.uint64]

BITS_LOW, BITS_HIGH = 1, 16
BLOCK = 1 << 17  # codes; a multiple of 8, and small enough that all steps of one stay in cache


def code_type(bits: int) -> type[np.int8] | type[np.int16]:
    """Return the type that codes of ``bits`` bits come in.

    :param bits: bit-width in [1, 16].
    :raises InvalidInput: when ``bits`` breaks its rule.
    """
    return np.int8 if _width(bits) <= 8 else np.int16


def packed_bytes(count: int, bits: int) -> int:
    """Return how many bytes ``count`` codes take, ceil(count·b / 8).

    :param count: number of codes in [0, 2^48].
    :param bits: bit-width in [1, 16].
    :raises InvalidInput: when an argument breaks its rule.

    >>> packed_bytes(3, bits=3)
    2
    """
    return -(-checks.whole("count", count, low=0, high=2**48) * _width(bits) // 8)


def pack(codes: Codes, bits: int) -> NDArray[np.uint8]:
    """Return codes as bytes without a gap.

    :param codes: any shape, whole numbers in [-2^(b-1), 2^(b-1)); int8 up to 8 bits, else int16.
    :param bits: bit-width b in [1, 16].
    :returns: (ceil(count·b / 8),).
    :raises InvalidInput: when an argument breaks its rule.

    >>> pack(np.array([1, -1, 3], np.int8), bits=3)
    array([249,   0], dtype=uint8)
    """
    kind, top = code_type(bits), 2 ** (bits - 1)
    if not isinstance(codes, np.ndarray) or codes.dtype != kind:
        raise InvalidInput(f"codes must be an array of {kind.__name__}, got {messages.kind(codes)}")
    least, greatest = int(codes.min(initial=0)), int(codes.max(initial=0))
    if least < -top or greatest >= top:
        raise InvalidInput(
            f"codes must be in [{-top}, {top}) at {bits} bits, got {least} to {greatest}"
        )
    flat = codes.ravel()
    if bits <= 8:
        return _pack_narrow(flat.view(np.uint8), bits)
    planes = flat.astype("<i2", copy=False).view(np.uint8)
    return np.concatenate([planes[::2], _pack_narrow(planes[1::2], bits - 8)])


def unpack(data: NDArray[np.uint8], bits: int, count: int) -> Codes:
    """Return the codes that ``pack`` was given, in one axis.

    :param data: (ceil(count·b / 8),).
    :param bits: bit-width b in [1, 16].
    :param count: number of codes.
    :returns: (count,), int8 up to 8 bits, else int16.
    :raises InvalidInput: when an argument breaks its rule or the length does not fit.

    >>> unpack(np.array([249, 0], np.uint8), bits=3, count=3)
    array([ 1, -1,  3], dtype=int8)
    """
    length = packed_bytes(count, bits)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8:
        raise InvalidInput(f"data must be an array of uint8, got {messages.kind(data)}")
    if data.shape != (length,):
        raise InvalidInput(
            f"data must have shape ({length},) for {count} codes of {bits} bits, got {data.shape}"
        )
    if bits <= 8:
        return _unpack_narrow(data, bits, count)
    planes = np.empty((count, 2), np.uint8)
    planes[:, 0] = data[:count]
    planes[:, 1] = _unpack_narrow(data[count:], bits - 8, count).view(np.uint8)
    return planes.ravel().view("<i2").astype(np.int16, copy=False)


@dataclass(frozen=True)
class _Step:
    """Neighbouring lanes become one: the upper moves down to the lower, or back."""

    upper: np.uint64  # bits that the upper lanes hold
    distance: np.uint64  # bits that they move

    def close(self, lanes: Lanes, moving: Lanes) -> None:
        np.bitwise_and(lanes, self.upper, out=moving)
        np.bitwise_xor(lanes, moving, out=lanes)
        np.right_shift(moving, self.distance, out=moving)
        np.bitwise_or(lanes, moving, out=lanes)

    def open(self, lanes: Lanes, moving: Lanes) -> None:
        np.bitwise_and(lanes, self.upper >> self.distance, out=moving)
        np.bitwise_xor(lanes, moving, out=lanes)
        np.left_shift(moving, self.distance, out=moving)
        np.bitwise_or(lanes, moving, out=lanes)


def _steps(bits: int) -> tuple[_Step, ...]:
    """Return what closes up the bytes; 8 bits leave nothing to close."""
    steps = []
    for lane in (8, 16, 32) if bits < 8 else ():
        held = bits * lane // 8
        upper = sum(((1 << held) - 1) << start for start in range(lane, 64, 2 * lane))
        steps.append(_Step(np.uint64(upper), np.uint64(lane - held)))
    return tuple(steps)


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    """Yield start and length of each block of codes."""
    for start in range(0, count, BLOCK):
        yield start, min(BLOCK, count - start)


def _pack_narrow(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    packed = np.empty(-(-len(codes) // 8) * bits, np.uint8)
    steps, kept = _steps(bits), np.uint8(2**bits - 1)
    spare = np.empty(BLOCK // 8, "<u8")
    for start, length in _blocks(len(codes)):
        bytes_ = np.zeros(-(-length // 8) * 8, np.uint8)
        np.bitwise_and(codes[start : start + length], kept, out=bytes_[:length])
        lanes = bytes_.view("<u8")
        for step in steps:
            step.close(lanes, spare[: len(lanes)])
        _store(lanes, bits, packed[start // 8 * bits :])
    return packed[: packed_bytes(len(codes), bits)]


def _store(lanes: Lanes, bits: int, packed: NDArray[np.uint8]) -> None:
    """Write the lower ``bits`` bytes of each lane, in pieces of 8, 4, 2 and 1 bytes."""
    offset = 0
    for size in (8, 4, 2, 1):
        if bits & size:
            piece = np.dtype(f"<u{size}")
            target = np.ndarray(lanes.shape, piece, packed.data, offset, strides=(bits,))
            target[...] = np.ndarray(lanes.shape, piece, lanes.data, offset, strides=(8,))
            offset += size


def _unpack_narrow(data: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.int8]:
    codes = np.empty(count, np.uint8)
    steps, sign = _steps(bits)[::-1], np.uint8(2 ** (bits - 1))
    spare = np.empty(BLOCK // 8, "<u8")
    for start, length in _blocks(count):
        lanes = _load(data[start // 8 * bits :], bits, -(-length // 8))
        for step in steps:
            step.open(lanes, spare[: len(lanes)])
        block = codes[start : start + length]
        np.bitwise_xor(lanes.view(np.uint8)[:length], sign, out=block)
        np.subtract(block, sign, out=block)
    return codes.view(np.int8)


def _load(packed: NDArray[np.uint8], bits: int, groups: int) -> Lanes:
    """Read ``groups`` lanes of ``bits`` bytes each."""
    # All eight bytes at a lane's place are read; behind the last lane they are filling.
    bytes_ = np.zeros(groups * bits + 8, np.uint8)
    bytes_[: groups * bits][: len(packed)] = packed[: groups * bits]
    lanes: Lanes = np.ndarray((groups,), "<u8", bytes_.data, strides=(bits,)) & np.uint64(
        2 ** (8 * bits) - 1
    )
    return lanes.astype("<u8", copy=False)


def _width(bits: int) -> int:
    return checks.whole("bits", bits, low=BITS_LOW, high=BITS_HIGH)
