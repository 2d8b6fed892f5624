# SPDX-License-Identifier: Apache-2.0
"""The embedding on the wire: raw arrays with a checked description, never pickled objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import uniform

WIRE_BITS = (8, 16, 32)

# 64 MiB of float32: far above any embedding in use, far below what would hurt an edge host.
MOST_VALUES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Payload:
    """One embedding as bytes; made only of parts that fit together.

    :param wire_bits: 32 (float32), 16 (float16) or 8 (int8 codes with a scale a token).
    :param shape: (T, C) tokens and channels.
    :param scales: (T,) where wire_bits is 8, else (0,).
    :param data: T * C * wire_bits / 8 bytes, row-major, little-endian.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    wire_bits: int
    shape: tuple[int, int]
    scales: NDArray[np.float32]
    data: bytes

    def __post_init__(self) -> None:
        if self.wire_bits not in WIRE_BITS:
            raise InvalidInput(f"wire_bits must be one of {WIRE_BITS}, got {self.wire_bits!r}")
        if not messages.is_shape(self.shape) or len(self.shape) != 2 or min(self.shape) < 1:
            raise InvalidInput(f"shape must be [tokens, channels], got {self.shape!r}")
        tokens, channels = self.shape
        if tokens * channels > MOST_VALUES:
            raise InvalidInput(
                f"shape must hold at most {MOST_VALUES} values, got {list(self.shape)!r}"
            )
        length = tokens * channels * self.wire_bits // 8
        if len(self.data) != length:
            raise InvalidInput(
                f"data must be {length} bytes for shape {list(self.shape)} at {self.wire_bits} "
                f"bits, got {len(self.data)}"
            )
        _check_scales(self.scales, tokens if self.wire_bits == 8 else 0)

    @property
    def size_bytes(self) -> int:
        """Bytes of data and scales."""
        return len(self.data) + self.scales.nbytes


def encode(embedding: NDArray[np.float32], wire_bits: int) -> Payload:
    """Pack an embedding (T, C) at ``wire_bits`` bits a value.

    :param embedding: float32, finite.
    :param wire_bits: 8, 16 or 32.
    :raises InvalidInput: for other widths, another type or rank or values that are not finite.
    """
    if messages.kind(embedding) != "float32" or embedding.ndim != 2:
        raise InvalidInput(
            f"embedding must be float32 (tokens, channels), got {messages.described(embedding)}"
        )
    if not (finite := np.isfinite(embedding)).all():
        raise InvalidInput(f"embedding must be finite, got {messages.first(embedding, ~finite)}")
    scales = np.zeros(0, np.float32)
    if wire_bits == 8:
        scales = uniform.choose_qparams(embedding, 8)
        values = uniform.quantize(embedding, scales, 8).astype(np.int8)
    elif wire_bits == 16:
        # Beyond float16's range the nearest it has is the honest choice; infinity is not.
        limit = float(np.finfo(np.float16).max)
        values = np.clip(embedding, -limit, limit).astype("<f2")
    else:
        values = embedding.astype("<f4")
    return Payload(wire_bits, (embedding.shape[0], embedding.shape[1]), scales, values.tobytes())


def decode(payload: Payload) -> NDArray[np.float32]:
    """Unpack a payload into an embedding (T, C).

    :raises InvalidInput: when a value is not finite.
    """
    kind = {8: "i1", 16: "<f2", 32: "<f4"}[payload.wire_bits]
    values = np.frombuffer(payload.data, kind).reshape(payload.shape)
    if payload.wire_bits == 8:
        return uniform.dequantize(values, payload.scales, 8)
    embedding = values.astype(np.float32)
    # NumPy checks float32 several times faster than float16.
    if not np.isfinite(embedding).all():
        raise InvalidInput("data must be finite values, got NaN or infinity")
    return embedding


def _check_scales(scales: NDArray[np.float32], count: int) -> None:
    found = messages.described(scales)
    if found != f"float32 of shape ({count},)":
        raise InvalidInput(f"scales must be {count} values of float32, got {found}")
    offends = ~(np.isfinite(scales) & (scales >= 0.0))
    if offends.any():
        first = messages.first(scales, offends)
        raise InvalidInput(f"scales must be finite and at least 0, got {first}")
