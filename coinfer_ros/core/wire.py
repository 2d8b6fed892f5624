# SPDX-License-Identifier: Apache-2.0
"""The embedding on the wire: raw arrays with a checked description, never pickled objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import pack, packed_bytes, unpack
from coinfer_ros.core.quantizers import nested_laws, shared_law, uniform

WIRE_BITS = (4, 6, 8, 16, 32)
# Widths whose codes follow one of the laws of ``nested_laws``; those of 8 bits are even steps.
LAW_BITS = (4, 6)

# 64 MiB of float32: far above any embedding in use, far below what would hurt an edge host.
MOST_VALUES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Payload:
    """One embedding as bytes; made only of parts that fit together.

    :param wire_bits: 32 (float32), 16 (float16), 8, 6 or 4 (codes with a scale a token).
    :param shape: (T, C) tokens and channels.
    :param scales: (T,), the tokens' greatest magnitudes, where wire_bits is 8 or less, else (0,).
    :param data: ceil(T * C * wire_bits / 8) bytes, row-major, little-endian, codes without gaps.
    :param law: place in the table of laws where wire_bits is 4 or 6, else 0.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    wire_bits: int
    shape: tuple[int, int]
    scales: NDArray[np.float32]
    data: bytes
    law: int = 0

    def __post_init__(self) -> None:
        count = _count(self.shape, self.wire_bits)
        length = _data_bytes(count, self.wire_bits)
        if len(self.data) != length:
            raise InvalidInput(
                f"data must be {length} bytes for shape {list(self.shape)} at {self.wire_bits} "
                f"bits, got {len(self.data)}"
            )
        _check_scales(self.scales, self.shape[0] if self.wire_bits <= 8 else 0)
        last = nested_laws.COUNT - 1 if self.wire_bits in LAW_BITS else 0
        checks.whole("law", self.law, low=0, high=last)

    @property
    def size_bytes(self) -> int:
        """Bytes of data and scales."""
        return len(self.data) + self.scales.nbytes


def size_bytes(shape: tuple[int, int], wire_bits: int) -> int:
    """Return the bytes of data and scales that an embedding takes.

    :param shape: (T, C) tokens and channels.
    :param wire_bits: one of ``WIRE_BITS``.
    :raises InvalidInput: when an argument breaks its rule.

    >>> size_bytes((197, 768), wire_bits=4), size_bytes((197, 768), wire_bits=16)
    (76436, 302592)
    """
    data_bytes = _data_bytes(_count(shape, wire_bits), wire_bits)
    return data_bytes + (4 * shape[0] if wire_bits <= 8 else 0)


@dataclass(frozen=True)
class Distortion:
    """What an embedding lost on the wire.

    :param mean: mean |x - x'| of its values, in their unit.
    :param relative: that over the mean |x|; 0 for an embedding of zeros.
    """

    mean: float
    relative: float


def encode(embedding: NDArray[np.float32], wire_bits: int) -> Payload:
    """Pack an embedding (T, C) at ``wire_bits`` bits a value.

    :param embedding: float32, finite.
    :param wire_bits: 4, 6, 8, 16 or 32.
    :raises InvalidInput: for other widths, another type or rank or values that are not finite.
    """
    shape = _check_embedding(embedding)
    scales, law = np.zeros(0, np.float32), 0
    if wire_bits in LAW_BITS:
        codes, scales, law = shared_law.quantize(embedding, wire_bits)
        values: NDArray[Any] = pack(codes, wire_bits)
    elif wire_bits == 8:
        scales = uniform.choose_qparams(embedding, 8)
        values = uniform.quantize(embedding, scales, 8)
    elif wire_bits == 16:
        # Beyond float16's range the nearest it has is the honest choice; infinity is not.
        limit = float(np.finfo(np.float16).max)
        values = np.clip(embedding, -limit, limit).astype("<f2")
    else:
        values = embedding.astype("<f4")
    return Payload(wire_bits, shape, scales, values.tobytes(), law)


def decode(payload: Payload) -> NDArray[np.float32]:
    """Unpack a payload into an embedding (T, C).

    :raises InvalidInput: when a value is not finite.
    """
    bits, shape = payload.wire_bits, payload.shape
    if bits in LAW_BITS:
        codes = unpack(np.frombuffer(payload.data, np.uint8), bits, math.prod(shape))
        return shared_law.dequantize(codes.reshape(shape), payload.scales, payload.law, bits)
    values = np.frombuffer(payload.data, {8: "i1", 16: "<f2", 32: "<f4"}[bits]).reshape(shape)
    if bits == 8:
        return uniform.dequantize(values, payload.scales, 8)
    embedding = values.astype(np.float32)
    # NumPy checks float32 several times faster than float16.
    if not np.isfinite(embedding).all():
        raise InvalidInput("data must be finite values, got NaN or infinity")
    return embedding


def distortion(embedding: NDArray[np.float32], payload: Payload) -> Distortion:
    """Measure what ``payload`` lost of the embedding that it was made of.

    :param embedding: (T, C), float32, finite.
    :raises InvalidInput: when the embedding has another shape than the payload, or breaks its rule.
    """
    if (shape := _check_embedding(embedding)) != payload.shape:
        raise InvalidInput(f"embedding must have shape {payload.shape}, got {shape}")
    error = np.abs(decode(payload) - embedding).mean(dtype=np.float64)
    magnitude = np.abs(embedding).mean(dtype=np.float64)
    return Distortion(float(error), float(error / magnitude) if magnitude > 0 else 0.0)


def _check_embedding(embedding: NDArray[np.float32]) -> tuple[int, int]:
    if messages.kind(embedding) != "float32" or embedding.ndim != 2 or not embedding.size:
        raise InvalidInput(
            f"embedding must be float32 (tokens, channels), none empty, "
            f"got {messages.described(embedding)}"
        )
    if not (finite := np.isfinite(embedding)).all():
        raise InvalidInput(f"embedding must be finite, got {messages.first(embedding, ~finite)}")
    return embedding.shape[0], embedding.shape[1]


def _count(shape: tuple[int, int], wire_bits: int) -> int:
    """Return how many values an embedding has, once its shape and width are good."""
    if wire_bits not in WIRE_BITS:
        raise InvalidInput(f"wire_bits must be one of {WIRE_BITS}, got {wire_bits!r}")
    if not messages.is_shape(shape) or len(shape) != 2 or min(shape) < 1:
        raise InvalidInput(f"shape must be [tokens, channels], got {shape!r}")
    tokens, channels = shape
    if tokens * channels > MOST_VALUES:
        raise InvalidInput(f"shape must hold at most {MOST_VALUES} values, got {list(shape)!r}")
    return tokens * channels


def _data_bytes(count: int, wire_bits: int) -> int:
    return packed_bytes(count, wire_bits) if wire_bits <= 8 else count * wire_bits // 8


def _check_scales(scales: NDArray[np.float32], count: int) -> None:
    found = messages.described(scales)
    if found != f"float32 of shape ({count},)":
        raise InvalidInput(f"scales must be {count} values of float32, got {found}")
    offends = ~(np.isfinite(scales) & (scales >= 0.0))
    if offends.any():
        first = messages.first(scales, offends)
        raise InvalidInput(f"scales must be finite and at least 0, got {first}")
