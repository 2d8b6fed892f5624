# SPDX-License-Identifier: Apache-2.0
"""Makes one model from its recipe: renders, trains, spreads its channels and writes its folder."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.tools.model_card import Training
from coinfer_ros.tools.training import kept_lessons
from coinfer_ros.tools.training.course import Length, follow
from coinfer_ros.tools.training.lessons import Lessons, draw_all
from coinfer_ros.tools.training.recipes import RECIPES

if TYPE_CHECKING:
    from coinfer_ros.adapters.training.state import Settings
    from coinfer_ros.adapters.training.trainer import Trainer

LINE_EVERY = 200  # steps: a log file, where no bar is drawn, gets a line


@dataclass(frozen=True)
class Order:
    """What is to be made.

    :param model: which of the recipes.
    :param out: folder of the model.
    :param seed: seed of scenes, weights and batches.
    :param lessons: scenes or clips to render.
    :param steps: optimizer steps.
    :param minutes: wall time of the training after which it ends all the same; may be infinite.
    :param device: where to train, one of ``trainer.DEVICES``.
    :param threads: CPU threads of the training.
    :param command: what the user typed.
    """

    model: str
    out: Path
    seed: int
    lessons: int
    steps: int
    minutes: float
    device: str
    threads: int
    command: str


def make(order: Order) -> Path:
    """Make a model and return its folder; goes on with an interrupted training of the same order.

    :raises Stopped: on Ctrl-C and SIGTERM, with the training kept on disk.
    :raises InvalidInput: when an interrupted training is of another order.
    :raises Unavailable: when the device is not here.
    """
    from coinfer_ros.adapters.training import trainer  # noqa: PLC0415  torch takes seconds

    if order.out.exists() and not order.out.is_dir():
        raise InvalidInput(f"--out must be a folder, got the file {str(order.out)!r}")
    device = trainer.device_named(order.device)
    trainer.use_threads(order.threads)
    lessons, rendering_s = _render(order)
    student = RECIPES[order.model].student(lessons.every_text(), order.seed)
    training = trainer.Trainer(student, seed=order.seed, device=device)
    settings: Settings = {
        "model": order.model,
        "seed": order.seed,
        "scenes": order.lessons,
        "steps": order.steps,
        "minutes": order.minutes if math.isfinite(order.minutes) else None,
        "device": device.type,
        "threads": order.threads,
    }
    training_s = _teach(order, training, lessons, settings)
    student.model.cpu()
    student.spread_channels(seed=order.seed)
    student.save(order.out)
    Training(
        model=order.model,
        command=order.command,
        seed=order.seed,
        lessons=order.lessons,
        steps=training.step,
        batch=RECIPES[order.model].batch,
        seconds=rendering_s + training_s,
        machine=trainer.machine_name(device, order.threads),
    ).write(order.out)
    shutil.rmtree(order.out / ".training", ignore_errors=True)
    return order.out


def bar() -> Progress:
    """Return a progress bar with the time that remains, on stderr."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def _render(order: Order) -> tuple[Lessons, float]:
    """Return the lessons and the seconds that drawing them took, now or when they were kept."""
    from coinfer_ros.adapters.training.student import IMAGE_PX  # noqa: PLC0415

    recipe, workers = RECIPES[order.model], os.cpu_count() or 1
    settings: kept_lessons.Settings = {
        "model": order.model,
        "seed": order.seed,
        "lessons": order.lessons,
        "size": IMAGE_PX,
    }
    path = order.out / ".training" / "lessons.npz"
    kept = kept_lessons.read(settings, path, recipe.views, recipe.noise)
    if kept is not None:
        return kept
    began_s = time.monotonic()
    drawn = draw_all(recipe.lesson, order.lessons, seed=order.seed, size=IMAGE_PX, workers=workers)
    with bar() as shown:
        tracked = shown.track(drawn, total=order.lessons, description="render")
        lessons = Lessons.gather(tracked, order.lessons, recipe.views, recipe.noise)
    seconds = time.monotonic() - began_s
    kept_lessons.keep(lessons, seconds, settings, path)
    return lessons, seconds


def _teach(order: Order, training: Trainer, lessons: Lessons, settings: Settings) -> float:
    """Train to the end and return the wall time that it took, s."""
    from coinfer_ros.adapters.training.student import Batch  # noqa: PLC0415

    batch = RECIPES[order.model].batch
    with bar() as shown:
        task = shown.add_task("train", total=order.steps)

        def tell(step: int, loss: float) -> None:
            shown.update(task, completed=step, description=f"train, loss {loss:.3f}")
            if not shown.console.is_terminal and step % LINE_EVERY == 0:
                shown.console.print(f"step {step} of {order.steps}, loss {loss:.3f}")

        return follow(
            training,
            lambda: Batch(*lessons.batch(batch, training.rng)),
            Length(order.steps, order.minutes * 60.0),
            order.out / ".training" / "training.safetensors",
            settings,
            tell=tell,
            resumed=lambda step: print(f"going on after step {step}", file=sys.stderr),
        )
