# SPDX-License-Identifier: Apache-2.0
"""Reads a checkpoint folder, config.json and safetensors, without ever running what it holds."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported

NAME = "model.path"  # the setting that messages name
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_SAMPLE_BYTES = 2048


@dataclass(frozen=True)
class TensorPlace:
    """Where a tensor lies.

    :param file: the safetensors file.
    :param key: its name in that file.
    :param shape: its shape.
    :param begin: first byte in the file.
    :param end: one past the last byte.
    """

    file: Path
    key: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files are whole; no weight has been read yet.

    :param folder: where it lies.
    :param config: config.json.
    :param headers: the header of every safetensors file, as stored.
    :param places: every tensor by name.
    """

    folder: Path
    config: dict[str, Any]
    headers: tuple[bytes, ...]
    places: dict[str, TensorPlace]


def open_checkpoint(path: str | Path, *, weights: bool = True) -> Checkpoint:
    """Look through a checkpoint folder.

    :param weights: whether there must be weights; without, what is known of a model is its shape.
    :raises Unavailable: when the folder, its config.json or its weights are not there.
    :raises Unsupported: when the weights are pickled.
    :raises InvalidInput: when a file is broken.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise Unavailable(f"{NAME} must be a checkpoint folder, got {str(path)!r}")
    config = read_json(folder / "config.json")
    headers, places = [], {}
    for file in _weight_files(folder) if weights else ():
        header, found = _read_header(file)
        headers.append(header)
        places.update(found)
    return Checkpoint(folder, config, tuple(headers), places)


def read_json(file: Path) -> dict[str, Any]:
    """Return the JSON object in a file of the checkpoint.

    :raises Unavailable: when the file is not there.
    :raises InvalidInput: when it holds something else.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Unavailable(f"{NAME} must hold {file.name}, got none in {file.parent}") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{NAME} must hold a readable {file.name}, got {error}") from error
    if not isinstance(value, dict):
        raise InvalidInput(
            f"{NAME} must hold a {file.name} with a JSON object, got {type(value).__name__}"
        )
    return value


def fingerprint(checkpoint: Checkpoint) -> str:
    """Return a SHA-256 over config.json, every safetensors header and samples of every tensor.

    The first and last 2 KiB of each tensor tell apart checkpoints of one architecture, and a file
    of many GB costs a few MB of reading. Both halves get the same digest from their own disk.

    :raises Unavailable: when a file has gone.
    """
    digest = hashlib.sha256()
    for part in (_read(checkpoint.folder / "config.json"), *checkpoint.headers):
        digest.update(struct.pack("<Q", len(part)) + part)
    for place in sorted(checkpoint.places.values(), key=lambda place: (place.file, place.begin)):
        with place.file.open("rb") as stream:
            for start in (place.begin, max(place.begin, place.end - _SAMPLE_BYTES)):
                stream.seek(start)
                digest.update(stream.read(min(_SAMPLE_BYTES, place.end - start)))
    return digest.hexdigest()


def load_tensors(checkpoint: Checkpoint, names: Iterable[str]) -> dict[str, torch.Tensor]:
    """Read these tensors, and only these, in the type that they are stored in.

    :param names: names that :attr:`Checkpoint.places` holds.
    :raises InvalidInput: when a file is broken or a weight is not finite.
    :raises Unsupported: when weights are whole numbers, quantized by another tool.
    """
    by_file: dict[Path, list[str]] = {}
    for name in names:
        by_file.setdefault(checkpoint.places[name].file, []).append(name)
    tensors = {}
    for file, wanted in by_file.items():
        try:
            with safe_open(file, framework="pt", device="cpu") as stream:
                for name in wanted:
                    tensors[name] = stream.get_tensor(checkpoint.places[name].key)
        except (OSError, SafetensorError) as error:
            raise _broken(file, error) from error
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.element_size() < 2:
            raise Unsupported(
                f"{NAME} must hold floating-point weights, got {tensor.dtype} in {name}: take the "
                "checkpoint that has not been quantized yet"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise InvalidInput(f"{NAME} must hold finite weights, got a NaN or infinity in {name}")
    return tensors


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Unavailable(f"{NAME} must hold {file.name}, got {error}") from error


def _broken(file: Path, error: Exception) -> InvalidInput:
    return InvalidInput(f"{NAME} must hold whole safetensors files, got {file.name}: {error}")


def _weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that make up the model, in order of name."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        return _shards(folder)
    pickled = sorted(file.name for file in folder.iterdir() if file.suffix in _PICKLES)
    if pickled:
        raise Unsupported(
            f"{NAME} must hold {WEIGHTS}, got only the pickled {pickled[0]}, which could run code "
            "when read: convert it to safetensors, or take the revision that has them"
        )
    raise Unavailable(f"{NAME} must hold {WEIGHTS}, got none in {folder}")


def _shards(folder: Path) -> list[Path]:
    shards = read_json(folder / INDEX).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise InvalidInput(f"{NAME} must hold a {INDEX} with a weight_map, got {shards!r:.40}")
    names = sorted({str(name) for name in shards.values()})
    outside = [name for name in names if Path(name).name != name]
    if outside:
        raise InvalidInput(f"{NAME} must hold an {INDEX} of plain names, got {outside[0]!r}")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise Unavailable(f"{NAME} must hold every shard of {INDEX}, got no {missing[0]}")
    return [folder / name for name in names]


def _read_header(file: Path) -> tuple[bytes, dict[str, TensorPlace]]:
    """Return a file's header and where its tensors lie; the library checks that it is whole."""
    try:
        with safe_open(file, framework="pt", device="cpu"), file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = stream.read(length)
    except (OSError, SafetensorError) as error:
        raise _broken(file, error) from error
    places = {}
    for key, entry in json.loads(header).items():
        if key != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            places[key] = TensorPlace(file, key, tuple(entry["shape"]), begin, end)
    return header, places
