# SPDX-License-Identifier: Apache-2.0
"""A training stops between two steps, says so, and goes on to the same end."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from coinfer_ros.adapters.training.student import Batch
from coinfer_ros.adapters.training.trainer import Trainer
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.tools.training.course import Length, Stopped, follow

SETTINGS = {"model": "tiny", "steps": 9}


class Line:
    """The smallest student: the mean brightness of an image, learnt by a line."""

    def __init__(self, scale: float = 1.0) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(3, 1)
        self.scale = scale

    def loss(self, batch: Batch) -> torch.Tensor:
        shown = torch.from_numpy(batch.images).float().mean((1, 2)) / 255.0
        return self.scale * ((self.model(shown)[:, 0] - shown.mean(1)) ** 2).mean()

    def spread_channels(self, *, seed: int) -> None:
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        raise NotImplementedError


class Run:
    """One run of a training, which sends itself a signal after some draws."""

    def __init__(self, kept: Path, *, signal_after: int = 0, number: int = signal.SIGINT) -> None:
        self.training = Trainer(Line(), seed=0, device=torch.device("cpu"))
        self.kept = kept
        self.resumed: list[int] = []
        self._left, self._number = signal_after, number

    def draw(self) -> Batch:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), self._number)
        images = self.training.rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
        return Batch(images, ["", ""], ["one", "two"])

    def go(self, *, steps: int = 9, **changes: Any) -> float:
        length = Length(steps, float("inf"))
        return follow(
            self.training,
            self.draw,
            length,
            self.kept,
            {**SETTINGS, **changes},
            tell=lambda *_: None,
            resumed=self.resumed.append,
        )

    def weights(self) -> list[bytes]:
        return [p.detach().numpy().tobytes() for p in self.training.student.model.parameters()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_training_goes_on_to_the_same_end(tmp_path: Path, number: int) -> None:
    whole = Run(tmp_path / "whole")
    whole.go()
    kept = tmp_path / "kept.safetensors"
    first = Run(kept, signal_after=4, number=number)
    with pytest.raises(Stopped, match="stopped after step 4; the same command goes on"):
        first.go()
    second = Run(kept, signal_after=2, number=number)
    with pytest.raises(Stopped, match="stopped after step 6"):
        second.go()
    third = Run(kept)
    third.go()
    assert (second.resumed, third.resumed, whole.resumed) == ([4], [6], [])
    assert third.weights() == whole.weights()
    assert third.training.step == 9


def test_signals_mean_what_they_did_before_when_it_has_ended(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    Run(tmp_path / "kept").go()
    with pytest.raises(Stopped):
        Run(tmp_path / "kept", signal_after=1).go()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        Run(tmp_path / "kept", signal_after=1).go()
    with pytest.raises(InvalidInput, match="model tiny, not large"):
        Run(tmp_path / "kept").go(model="large")


def test_a_stop_at_the_last_step_leaves_nothing_to_do(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with pytest.raises(Stopped):
        Run(kept, signal_after=9).go()
    after = Run(kept)
    after.go()
    assert after.training.step == 9


def test_time_ends_it_too() -> None:
    assert Length(10, 60.0).done(2, 0.0) == 0.2
    assert Length(10, 60.0).done(2, 30.0) == 0.5
    assert Length(10, 60.0).done(2, 60.0) >= 1.0
    assert Length(10, float("inf")).done(10, 1e9) >= 1.0


def test_the_time_of_earlier_runs_counts(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with pytest.raises(Stopped):
        Run(kept, signal_after=2).go()
    from coinfer_ros.adapters.training import state

    other = Run(kept)
    state.save(other.training, kept, SETTINGS, seconds=1000.0)
    assert other.go() >= 1000.0


def test_a_loss_that_is_lost_ends_the_training(tmp_path: Path) -> None:
    run = Run(tmp_path / "kept")
    run.training.student = Line(scale=float("nan"))
    with pytest.raises(CoinferError, match="the loss must stay finite, got nan at step 20"):
        run.go(steps=30)
