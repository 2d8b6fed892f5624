# SPDX-License-Identifier: Apache-2.0
"""``coinfer train``: makes the small model that the repository ships, and scores it."""

from __future__ import annotations

import argparse
import itertools
import math
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from coinfer_ros.core.limits import Limits
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.tools import scene_data
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.model_card import Training, model_card
from coinfer_ros.tools.scoring import Score, score

if TYPE_CHECKING:
    from coinfer_ros.adapters.git import GitHead, GitTail
    from coinfer_ros.adapters.git_training import Student

BATCH = 64
MANY = 10_000_000
CAMERA_PX = 256  # scored as a camera would show it, not at the model's own size


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="the small models that the repository ships",
        description="Train a small captioning model on rendered scenes, or score one.",
    )
    parser.add_argument("--out", type=Path, default=Path("models/git-scenes"), help="its folder")
    parser.add_argument("--evaluate", type=Path, metavar="FOLDER", help="only score this model")
    add_whole(parser, "--seed", low=0, high=2**32 - 1, text="seed of scenes and weights", default=0)
    add_whole(parser, "--scenes", low=1, high=MANY, text="scenes to render", default=40_000)
    add_whole(parser, "--steps", low=1, high=MANY, text="optimizer steps", default=8_000)
    add_number(
        parser,
        "--minutes",
        Limits(-math.inf, 1e6, "min", above=0.0),
        text="end sooner, the schedule fitted in",
        default=math.inf,
    )
    # A second thread gains little on so small a model, and shared cores make it tenfold slower.
    add_whole(parser, "--threads", low=1, high=256, text="CPU threads of the training", default=1)
    add_whole(parser, "--held-out", low=1, high=MANY, text="scenes to score on", default=500)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train or score as asked, and return the exit status.

    :raises InvalidInput: when the model to score is none.
    """
    if arguments.evaluate is None:
        _train(arguments)
    else:
        head, tail = _load(arguments.evaluate, arguments.threads)
        _print_scores(_scores(head, tail, arguments.held_out), head.weight_rate)
    return 0


def _train(arguments: argparse.Namespace) -> None:
    from coinfer_ros.adapters import git_channels, git_training  # noqa: PLC0415  torch takes seconds

    started_s = time.monotonic()
    rendered = _render(arguments, git_training.IMAGE_PX)
    git_training.use_threads(arguments.threads)
    student = git_training.new_student(scene_data.words(rendered), seed=arguments.seed)
    steps = _teach(arguments, student, rendered)
    git_channels.spread_channels(student.model, seed=arguments.seed)
    git_training.save(student, arguments.out)
    seconds = time.monotonic() - started_s
    head, tail = _load(arguments.out, arguments.threads)
    scores = _scores(head, tail, arguments.held_out)
    training = Training(
        command=shlex.join(["coinfer", *sys.argv[1:]]),
        seed=arguments.seed,
        scenes=arguments.scenes,
        steps=steps,
        batch=BATCH,
        seconds=seconds,
        threads=arguments.threads,
        image_px=CAMERA_PX,
    )
    card = model_card(training, head.info, head.weight_rate, scores)
    (arguments.out / "README.md").write_text(card, encoding="utf-8")
    _print_scores(scores, head.weight_rate)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


def _render(arguments: argparse.Namespace, size: int) -> scene_data.Rendered:
    drawn = scene_data.render_training(
        arguments.scenes, seed=arguments.seed, size=size, workers=os.cpu_count() or 1
    )
    with _bar() as bar:
        tracked = bar.track(drawn, total=arguments.scenes, description="render")
        return scene_data.gather(iter(tracked), arguments.scenes, size)


def _teach(arguments: argparse.Namespace, student: Student, rendered: scene_data.Rendered) -> int:
    """Train and return the steps taken."""
    from coinfer_ros.adapters import git_training  # noqa: PLC0415

    rng = np.random.default_rng(arguments.seed)
    batches = itertools.starmap(git_training.Batch, scene_data.batches(rendered, BATCH, rng))
    taken = 0
    with _bar() as bar:
        task = bar.add_task("train", total=arguments.steps)
        share = _schedule(arguments.steps, arguments.minutes * 60.0)

        def progress(step: int, loss: float) -> float:
            nonlocal taken
            taken = step
            bar.update(task, completed=step, description=f"train, loss {loss:.3f}")
            return share(step)

        git_training.fit(student, batches, progress)
    return taken


def _schedule(steps: int, limit_s: float) -> Callable[[int], float]:
    """Return a function from the step to the share done, by steps or by time, the greater."""
    started_s = time.monotonic()
    return lambda step: max(step / steps, (time.monotonic() - started_s) / limit_s)


def _load(path: Path, threads: int) -> tuple[GitHead, GitTail]:
    from coinfer_ros.adapters import git, git_training  # noqa: PLC0415

    git_training.use_threads(threads)
    return git.GitHead.load(path), git.GitTail.load(path)


def _scores(head: GitHead, tail: GitTail, scenes: int) -> list[Score]:
    with _bar() as bar:
        each = score(head, tail, scenes=scenes, size=CAMERA_PX)
        return list(bar.track(each, total=len(WEIGHT_BITS), description="score"))


def _print_scores(scores: Sequence[Score], weight_rate: float) -> None:
    table = Table("bits", "right captions", "weight error", "λ · error")
    for result in scores:
        table.add_row(
            str(result.bits),
            f"{result.accuracy:.1%}",
            f"{result.distortion:.3g}",
            f"{weight_rate * result.distortion:.3g}",
        )
    Console().print(table)
