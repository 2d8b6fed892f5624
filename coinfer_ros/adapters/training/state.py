# SPDX-License-Identifier: Apache-2.0
"""Keeps a training on disk so that it can go on after an interruption, to the last bit the same.

One safetensors file holds the weights, the optimizer's moments and, as JSON in its header, the step
and the random state; it is replaced in one move, so that a power cut leaves the one before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from coinfer_ros.adapters.training.trainer import Trainer
from coinfer_ros.core.errors import InvalidInput

FORMAT = "coinfer-training/1"
_KEY = "training"
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")

Settings = Mapping[str, str | int | float | None]


@dataclass(frozen=True)
class Saved:
    """A training found on disk.

    :param step: steps taken.
    :param seconds: wall time that they took, s.
    """

    step: int
    seconds: float


def save(trainer: Trainer, path: Path, settings: Settings, *, seconds: float) -> None:
    """Write where a training stands.

    :param settings: what the training was asked for; it goes on only with the same.
    :param seconds: wall time spent so far, s.
    """
    record = {
        "format": FORMAT,
        "settings": dict(settings),
        "step": trainer.step,
        "seconds": seconds,
        "rng": trainer.rng.bit_generator.state,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".writing")
    save_file(_tensors(trainer), beside, metadata={_KEY: json.dumps(record)})
    beside.replace(path)


def load(trainer: Trainer, path: Path, settings: Settings) -> Saved | None:
    """Put a training back to where it stood; None where there is none.

    :param trainer: made from the same settings, no step taken yet.
    :raises InvalidInput: when the file is broken or belongs to other settings.
    """
    if not path.exists():
        return None
    try:
        record, tensors = _read(path)
        _compare(record, settings, path)
        _restore(trainer, record, tensors)
        return Saved(step=int(record["step"]), seconds=float(record["seconds"]))
    except (KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise _broken(path, error) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as stream:
            record = json.loads((stream.metadata() or {})[_KEY])
            return record, {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> InvalidInput:
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return InvalidInput(
        f"{path} must be a whole training to go on with, got {reason:.200}: delete it to begin anew"
    )


def _compare(record: dict[str, Any], settings: Settings, path: Path) -> None:
    if record["format"] != FORMAT:
        raise InvalidInput(
            f"{path} must be a training of format {FORMAT}, got {record['format']!r}: delete it to "
            "begin anew"
        )
    before, now = record["settings"], dict(settings)
    names = [name for name in before | now if before.get(name) != now.get(name)]
    if names:
        others = ", ".join(f"{name} {before.get(name)}, not {now.get(name)}" for name in names)
        raise InvalidInput(
            f"{path} must be a training with these settings, got one with {others}: give its "
            "settings to go on with it, or delete it to begin anew"
        )


def _named(trainer: Trainer) -> dict[str, torch.nn.Parameter]:
    return dict(trainer.student.model.named_parameters())


def _tensors(trainer: Trainer) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, parameter in _named(trainer).items():
        tensors[f"weight.{name}"] = parameter.detach()
        for moment, value in trainer.optimizer.state.get(parameter, {}).items():
            tensors[f"{moment}.{name}"] = value
    # Copies: the library refuses tensors that share memory.
    return {name: tensor.cpu().clone().contiguous() for name, tensor in tensors.items()}


def _restore(trainer: Trainer, record: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
    names = list(_named(trainer))
    with torch.no_grad():
        for name, parameter in _named(trainer).items():
            parameter.copy_(tensors[f"weight.{name}"])
    moments = {
        number: {moment: tensors[f"{moment}.{name}"] for moment in _MOMENTS}
        for number, name in enumerate(names)
        if f"step.{name}" in tensors
    }
    groups = trainer.optimizer.state_dict()["param_groups"]
    trainer.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    trainer.rng.bit_generator.state = record["rng"]
    trainer.step = int(record["step"])
