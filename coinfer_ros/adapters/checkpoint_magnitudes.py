# SPDX-License-Identifier: Apache-2.0
"""Counts the weight magnitudes of a checkpoint or a live module, in memory that stays bounded.

What is counted are floating-point tensors of two axes or more: matrices, kernels, embedding tables.
Norms, biases and counters are no part of the law that is fitted, arXiv 2602.13052, eq. (3). Weights
that are quantized already are refused: their scales would be fitted in their place.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from coinfer_ros.adapters.checkpoint import open_checkpoint
from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.magnitudes import Magnitudes

# As safetensors spells a type: how torch does, and what NumPy reads. It has no bfloat16, whose bits
# are the upper half of a float32's.
_TYPES: dict[str, tuple[str, np.dtype[Any]]] = {
    "F64": ("float64", np.dtype("<f8")),
    "F32": ("float32", np.dtype("<f4")),
    "F16": ("float16", np.dtype("<f2")),
    "BF16": ("bfloat16", np.dtype("<u2")),
}
_CHUNK_BYTES = 1 << 22
_CHUNK_BYTES_LOW, _CHUNK_BYTES_HIGH = 1 << 18, 1 << 30  # each piece clears 2 MiB of counters
# What whole numbers that are weights are called: qweight, qzeros, weight_packed.
_WEIGHT_WORDS = ("weight", "zeros")


@dataclass(frozen=True)
class TensorMagnitudes:
    """What was counted of one tensor; 2 MiB each, so a fit is kept rather than this.

    :param name: its name.
    :param shape: its shape, two axes or more.
    :param dtype: the type that it is stored in, as torch spells it.
    :param magnitudes: its counted magnitudes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    magnitudes: Magnitudes


@dataclass(frozen=True)
class _Stored:
    """A tensor in a safetensors file."""

    file: Path
    name: str
    shape: tuple[int, ...]
    dtype: str
    begin: int
    end: int

    @property
    def counts(self) -> bool:
        return len(self.shape) > 1 and (self.dtype.startswith(("F", "BF")) or self._quantized)

    @property
    def _quantized(self) -> bool:
        last = self.name.rpartition(".")[2]
        named = self.dtype[0] in "IU" and any(word in last for word in _WEIGHT_WORDS)
        return named or self.dtype in {"I8", "U8"}


def tensor_magnitudes(
    path: str | Path, *, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[TensorMagnitudes]:
    """Yield the counted magnitudes of a checkpoint's matrices, tables and kernels, one at a time.

    What a tensor takes in memory does not depend on its size or shape: some 60 MiB beside a few
    chunks. The law of the whole checkpoint is that of all of them merged.

    :param path: a checkpoint folder or one safetensors file.
    :param chunk_bytes: how much is read at a time, bytes in [2^18, 2^30].
    :raises Unavailable: when there is no such thing.
    :raises Unsupported: when the weights are pickled, or quantized: of fewer bits than 16, or whole
        numbers.
    :raises InvalidInput: when a file is broken, a weight not finite or an argument out of range.
    """
    checks.whole("chunk_bytes", chunk_bytes, low=_CHUNK_BYTES_LOW, high=_CHUNK_BYTES_HIGH)
    for stored in _stored(path):
        if stored.counts:
            _check_type("path", stored.name, stored.dtype, tuple(_TYPES))
            dtype, _ = _TYPES[stored.dtype]
            counted = _count(stored.name, _pieces(stored, chunk_bytes))
            yield TensorMagnitudes(stored.name, stored.shape, dtype, counted)


def module_magnitudes(module: torch.nn.Module) -> Iterator[TensorMagnitudes]:
    """Yield the counted magnitudes of a live module's parameters, a shared one once.

    A parameter is copied in chunks, but whole when it is a part of a larger tensor with gaps.

    :param module: on any device.
    :raises Unavailable: when a parameter is on the meta device, where there are no weights.
    :raises Unsupported: when one is quantized: of fewer bits than 16, or whole numbers.
    :raises InvalidInput: when a weight is not finite.
    """
    for name, parameter in module.named_parameters():
        if parameter.ndim > 1:
            if parameter.is_meta:
                raise Unavailable(f"module must hold its weights, got {name} on the meta device")
            dtype = str(parameter.dtype).removeprefix("torch.")
            _check_type("module", name, dtype, tuple(spelt for spelt, _ in _TYPES.values()))
            counted = _count(name, _live_pieces(parameter.detach()))
            yield TensorMagnitudes(name, tuple(parameter.shape), dtype, counted)


def _check_type(argument: str, name: str, dtype: str, allowed: tuple[str, ...]) -> None:
    if dtype not in allowed:
        raise Unsupported(
            f"{argument} must hold weights of {', '.join(allowed)}, got {dtype} in {name}: take "
            "the checkpoint that has not been quantized yet"
        )


def _live_pieces(weights: torch.Tensor) -> Iterator[NDArray[np.floating]]:
    # In the order of memory, which changes no count, a transposed tensor is flat without a copy.
    axes = sorted(range(weights.ndim), key=weights.stride, reverse=True)
    for piece in torch.split(weights.permute(axes).reshape(-1), _CHUNK_BYTES // 4):
        yield piece.float().cpu().numpy()


def _count(name: str, pieces: Iterator[NDArray[np.floating]]) -> Magnitudes:
    counted = Magnitudes()
    try:
        for piece in pieces:
            counted = counted.add(piece)
    except InvalidInput as error:
        raise InvalidInput(f"{error}, in {name}") from error
    return counted


def _pieces(stored: _Stored, chunk_bytes: int) -> Iterator[NDArray[np.floating]]:
    """Yield a tensor's numbers piece by piece: its bytes, for a first axis may have length 1."""
    _, dtype = _TYPES[stored.dtype]
    step = chunk_bytes // dtype.itemsize * dtype.itemsize
    with stored.file.open("rb") as stream:
        stream.seek(stored.begin)
        for start in range(stored.begin, stored.end, step):
            data = stream.read(min(step, stored.end - start))
            values = np.frombuffer(data, dtype)
            yield _upper_halves(values) if stored.dtype == "BF16" else values


def _upper_halves(patterns: NDArray[np.uint16]) -> NDArray[np.floating]:
    wide = patterns.astype("<u4")
    wide <<= 16
    return wide.view("<f4")


def _stored(path: str | Path) -> list[_Stored]:
    """Return what every file of a checkpoint holds, in the order in which it lies there."""
    if Path(path).is_file():
        return _header(Path(path))
    if not Path(path).exists():
        raise Unavailable(f"path must be a checkpoint folder or a file, got {str(path)!r}")
    files = sorted({place.file for place in open_checkpoint(path).places.values()})
    return [stored for file in files for stored in _header(file)]


def _header(file: Path) -> list[_Stored]:
    try:
        # The library checks that the file is whole.
        with safe_open(file, framework="pt", device="cpu"), file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            entries = json.loads(stream.read(length))
    except (OSError, SafetensorError) as error:
        raise InvalidInput(
            f"path must hold whole safetensors files, got {file.name}: {error}"
        ) from error
    entries.pop("__metadata__", None)
    found = [
        _Stored(
            file,
            name,
            tuple(entry["shape"]),
            entry["dtype"],
            *(8 + length + offset for offset in entry["data_offsets"]),
        )
        for name, entry in entries.items()
    ]
    return sorted(found, key=lambda stored: stored.begin)
