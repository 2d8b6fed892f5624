# SPDX-License-Identifier: Apache-2.0
"""A training that goes on from disk ends as if it had never stopped, and refuses a foreign one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from coinfer_ros.adapters.training import state
from coinfer_ros.adapters.training.git_student import GitStudent
from coinfer_ros.adapters.training.student import IMAGE_PX, Batch
from coinfer_ros.adapters.training.trainer import Trainer, device_named
from coinfer_ros.core.errors import InvalidInput, Unavailable

SETTINGS = {"model": "tiny", "seed": 0, "steps": 4, "minutes": None}


class Line:
    """The smallest student: the mean brightness of an image, learnt by a line."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 1)

    def loss(self, batch: Batch) -> torch.Tensor:
        shown = torch.from_numpy(batch.images).float().mean((1, 2)) / 255.0
        return ((self.model(shown)[:, 0] - shown.mean(1)) ** 2).mean()

    def spread_channels(self, *, seed: int) -> None:
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        raise NotImplementedError


def trainer(student: Any = None) -> Trainer:
    return Trainer(student or Line(), seed=0, device=torch.device("cpu"))


def advance(training: Trainer, steps: int, size: int = 8) -> None:
    for _ in range(steps):
        images = training.rng.integers(0, 256, (2, size, size, 3), np.uint8)
        training.advance(Batch(images, ["", ""], ["one", "two"]), done=training.step / 10)


def weights(training: Trainer) -> list[bytes]:
    return [p.detach().numpy().tobytes() for p in training.student.model.parameters()]


def test_a_resumed_training_equals_an_uninterrupted_one_to_the_last_bit(tmp_path: Path) -> None:
    whole = trainer()
    advance(whole, 7)
    first = trainer()
    advance(first, 3)
    state.save(first, tmp_path / "kept.safetensors", SETTINGS, seconds=1.5)
    second = trainer()
    found = state.load(second, tmp_path / "kept.safetensors", SETTINGS)
    assert found == state.Saved(step=3, seconds=1.5)
    advance(second, 4)
    assert second.step == whole.step == 7
    assert weights(second) == weights(whole)
    assert second.rng.bit_generator.state == whole.rng.bit_generator.state


@pytest.mark.slow
def test_so_does_a_real_model(tmp_path: Path) -> None:
    def student() -> GitStudent:
        return GitStudent(("one", "two"), seed=0)

    whole, first, second = trainer(student()), trainer(student()), trainer(student())
    advance(whole, 4, IMAGE_PX)
    advance(first, 2, IMAGE_PX)
    state.save(first, tmp_path / "kept.safetensors", SETTINGS, seconds=0.0)
    state.load(second, tmp_path / "kept.safetensors", SETTINGS)
    advance(second, 2, IMAGE_PX)
    assert weights(second) == weights(whole)


def test_a_training_kept_before_its_first_step_is_the_same_too(tmp_path: Path) -> None:
    state.save(trainer(), tmp_path / "kept.safetensors", SETTINGS, seconds=0.0)
    whole, later = trainer(), trainer()
    state.load(later, tmp_path / "kept.safetensors", SETTINGS)
    advance(whole, 2)
    advance(later, 2)
    assert weights(whole) == weights(later)


def test_nothing_kept_is_nothing_found(tmp_path: Path) -> None:
    assert state.load(trainer(), tmp_path / "kept.safetensors", SETTINGS) is None


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    kept = tmp_path / "kept.safetensors"
    state.save(trainer(), kept, SETTINGS, seconds=0.0)
    with pytest.raises(InvalidInput, match=r"one with seed 0, not 1, steps 4, not 5: give its"):
        state.load(trainer(), kept, {**SETTINGS, "seed": 1, "steps": 5})


def test_a_file_cut_short_is_refused_with_the_remedy(tmp_path: Path) -> None:
    kept = tmp_path / "kept.safetensors"
    state.save(trainer(), kept, SETTINGS, seconds=0.0)
    kept.write_bytes(kept.read_bytes()[:-8])
    with pytest.raises(InvalidInput, match=r"must be a whole training.*delete it to begin anew"):
        state.load(trainer(), kept, SETTINGS)


@pytest.mark.parametrize("lost", ["weight.bias", "exp_avg.weight"])
def test_a_file_without_a_tensor_is_refused(tmp_path: Path, lost: str) -> None:
    kept = tmp_path / "kept.safetensors"
    training = trainer()
    advance(training, 1)
    state.save(training, kept, SETTINGS, seconds=0.0)
    with safe_open(kept, framework="pt") as stream:
        metadata = stream.metadata()
        tensors = {name: stream.get_tensor(name) for name in stream.keys() if name != lost}  # noqa: SIM118
    save_file(tensors, kept, metadata=metadata)
    with pytest.raises(InvalidInput, match="must be a whole training"):
        state.load(trainer(), kept, SETTINGS)


def test_another_format_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "kept.safetensors"
    record = {"format": "coinfer-training/9", "settings": SETTINGS}
    save_file({"x": torch.zeros(1)}, kept, metadata={"training": json.dumps(record)})
    with pytest.raises(InvalidInput, match="format coinfer-training/1, got 'coinfer-training/9'"):
        state.load(trainer(), kept, SETTINGS)


def test_a_device_that_is_not_here_is_refused() -> None:
    assert device_named("cpu").type == "cpu"
    if torch.cuda.is_available():
        assert device_named("auto").type == device_named("cuda").type == "cuda"
    else:
        assert device_named("auto").type == "cpu"
        with pytest.raises(Unavailable, match="without a CUDA GPU"):
            device_named("cuda")
