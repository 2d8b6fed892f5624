# SPDX-License-Identifier: Apache-2.0
"""Counts the weight magnitudes of a checkpoint or a live module, in memory that stays bounded.

What is counted are floating-point tensors of two axes or more: matrices, kernels, embedding tables.
Norms, biases and counters are no part of the law that is fitted, arXiv 2602.13052, eq. (3).
"""

from __future__ import annotations

import json
import math
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
_CHUNK_BYTES_LOW, _CHUNK_BYTES_HIGH = 1 << 12, 1 << 30


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
class LeftOut:
    """Tensors that are not counted.

    :param names: their names, sorted.
    :param numbers: how many numbers they hold, all together.
    """

    names: tuple[str, ...]
    numbers: int


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
        return len(self.shape) > 1 and self.dtype.startswith(("F", "BF"))


def tensor_magnitudes(
    path: str | Path, *, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[TensorMagnitudes]:
    """Yield the counted magnitudes of a checkpoint's matrices, tables and kernels, one at a time.

    What a tensor takes in memory does not depend on its size or shape: some 60 MiB beside a few
    chunks. The law of the whole checkpoint is that of all of them merged.

    :param path: a checkpoint folder or one safetensors file.
    :param chunk_bytes: how much is read at a time, bytes in [2^12, 2^30].
    :raises Unavailable: when there is no such thing.
    :raises Unsupported: when the weights are pickled, or of fewer bits than 16.
    :raises InvalidInput: when a file is broken, a weight not finite or an argument out of range.
    """
    checks.whole("chunk_bytes", chunk_bytes, low=_CHUNK_BYTES_LOW, high=_CHUNK_BYTES_HIGH)
    for stored in _stored(path):
        if stored.counts:
            if stored.dtype not in _TYPES:
                raise Unsupported(
                    f"path must hold weights of {', '.join(_TYPES)}, got {stored.dtype} in "
                    f"{stored.name}: take the checkpoint that has not been quantized yet"
                )
            name, _ = _TYPES[stored.dtype]
            counted = _count(stored.name, _pieces(stored, chunk_bytes))
            yield TensorMagnitudes(stored.name, stored.shape, name, counted)


def left_out(path: str | Path) -> LeftOut:
    """Return what :func:`tensor_magnitudes` leaves out, without reading a weight.

    :param path: a checkpoint folder or one safetensors file.
    :raises Unavailable: when there is no such thing.
    :raises Unsupported: when the weights are pickled.
    :raises InvalidInput: when a file is broken.
    """
    others = [stored for stored in _stored(path) if not stored.counts]
    names = tuple(sorted(stored.name for stored in others))
    return LeftOut(names, sum(math.prod(stored.shape) for stored in others))


def module_magnitudes(module: torch.nn.Module) -> Iterator[TensorMagnitudes]:
    """Yield the counted magnitudes of a live module's parameters, a shared one once.

    :param module: on any device.
    :raises InvalidInput: when a weight is not finite.
    """
    for name, parameter in module.named_parameters():
        if parameter.is_floating_point() and parameter.ndim > 1:
            flat = parameter.detach().reshape(-1)
            pieces = (piece.float().cpu().numpy() for piece in torch.split(flat, _CHUNK_BYTES // 4))
            dtype = str(parameter.dtype).removeprefix("torch.")
            yield TensorMagnitudes(name, tuple(parameter.shape), dtype, _count(name, pieces))


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
