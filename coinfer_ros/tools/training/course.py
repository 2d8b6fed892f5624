# SPDX-License-Identifier: Apache-2.0
"""Takes a training from where it stands to its end, keeping it on disk on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coinfer_ros.core.errors import CoinferError
from coinfer_ros.tools.training.interrupts import stop_requests

if TYPE_CHECKING:
    from coinfer_ros.adapters.training.state import Settings
    from coinfer_ros.adapters.training.student import Batch
    from coinfer_ros.adapters.training.trainer import Trainer

KEEP_EVERY_S = 30.0
TELL_EVERY = 20  # steps: reading a loss waits for the GPU


class Stopped(CoinferError):
    """The training was asked to stop and is kept on disk."""


@dataclass(frozen=True)
class Length:
    """When a training ends: by steps or by time, whichever comes first.

    :param steps: optimizer steps.
    :param limit_s: wall time of all runs of this training, s; may be infinite.
    """

    steps: int
    limit_s: float

    def done(self, step: int, spent_s: float) -> float:
        """Return the share that lies behind, 1 or more at the end."""
        return max(step / self.steps, spent_s / self.limit_s)


def follow(
    trainer: Trainer,
    draw: Callable[[], Batch],
    length: Length,
    kept: Path,
    settings: Settings,
    *,
    tell: Callable[[int, float], None],
    resumed: Callable[[int], None],
) -> float:
    """Train to the end and return the wall time of all runs of it, s.

    :param trainer: changed in place.
    :param draw: draws a batch from the trainer's random state.
    :param kept: file where the training is kept until it has ended; goes on from it if it is there.
    :param settings: what must be the same to go on.
    :param tell: gets the step and its loss now and then.
    :param resumed: gets the step that a kept training goes on after.
    :raises Stopped: on Ctrl-C and SIGTERM; the training is kept.
    :raises InvalidInput: when the kept training is broken or of other settings.
    """
    from coinfer_ros.adapters.training import state  # noqa: PLC0415  torch takes seconds

    found = state.load(trainer, kept, settings)
    began_s = time.monotonic() - (found.seconds if found else 0.0)
    if found:
        resumed(found.step)
    kept_s = time.monotonic()
    with stop_requests() as stop:
        while (done := length.done(trainer.step, time.monotonic() - began_s)) < 1.0:
            loss = trainer.advance(draw(), done=done)
            if trainer.step % TELL_EVERY == 0 or trainer.step == length.steps:
                tell(trainer.step, _finite(float(loss), trainer.step))
            due = time.monotonic() - kept_s > KEEP_EVERY_S
            if due or stop():
                state.save(trainer, kept, settings, seconds=time.monotonic() - began_s)
                kept_s = time.monotonic()
            if stop():
                raise Stopped(
                    f"stopped after step {trainer.step}; the same command goes on from it"
                )
    return time.monotonic() - began_s


def _finite(loss: float, step: int) -> float:
    if not math.isfinite(loss):
        raise CoinferError(f"the loss must stay finite, got {loss} at step {step}")
    return loss
