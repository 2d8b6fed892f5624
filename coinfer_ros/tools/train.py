# SPDX-License-Identifier: Apache-2.0
"""``coinfer train``: makes the small models that the repository ships, and scores them."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import Limits
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.held_out import EXAMPLES
from coinfer_ros.tools.model_card import Training, model_card
from coinfer_ros.tools.scoring import Score, score
from coinfer_ros.tools.training.course import Stopped
from coinfer_ros.tools.training.making import Order, bar, make
from coinfer_ros.tools.training.recipes import RECIPES

MANY = 10_000_000
CAMERA_PX = 256  # scored as a camera would show it, not at the model's own size
INTERRUPTED = 130  # what shells report of Ctrl-C


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "train",
        help="the small models that the repository ships",
        description="Train a small captioning model on rendered scenes, or score one. Stopped by "
        "Ctrl-C or a power cut, the same command goes on where it was.",
    )
    parser.add_argument("model", nargs="?", choices=RECIPES, help="which one (default git-scenes)")
    parser.add_argument("--out", type=Path, help="its folder (default models/ and its name)")
    parser.add_argument(
        "--evaluate", type=Path, metavar="FOLDER", help="only score this model, on its card too"
    )
    parser.add_argument(
        "--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train"
    )
    add_whole(parser, "--seed", low=0, high=2**32 - 1, text="seed of scenes and weights", default=0)
    own = "0 the model's own number"
    add_whole(parser, "--scenes", low=0, high=MANY, text=f"to render, {own}", default=0)
    add_whole(parser, "--steps", low=0, high=MANY, text=f"of the optimizer, {own}", default=0)
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

    :raises InvalidInput: when the model to score is none, or an interrupted training is of other
        settings.
    """
    try:
        if arguments.evaluate is None:
            _score_into(make(_order(arguments)), arguments)
        else:
            _score_into(arguments.evaluate, arguments)
    except Stopped as stopped:
        print(f"coinfer: {stopped}", file=sys.stderr)
        return INTERRUPTED
    except KeyboardInterrupt:
        print("coinfer: stopped; no step of the training is lost", file=sys.stderr)
        return INTERRUPTED
    return 0


def _order(arguments: argparse.Namespace) -> Order:
    name = arguments.model or "git-scenes"
    recipe = RECIPES[name]
    return Order(
        model=name,
        out=arguments.out or Path("models") / name,
        seed=arguments.seed,
        lessons=arguments.scenes or recipe.lessons,
        steps=arguments.steps or recipe.steps,
        minutes=arguments.minutes,
        device=arguments.device,
        threads=arguments.threads,
        command=shlex.join(["coinfer", *sys.argv[1:]]),
    )


def _score_into(folder: Path, arguments: argparse.Namespace) -> None:
    """Score a model, write its card and print the scores."""
    from coinfer_ros.adapters import models  # noqa: PLC0415  torch takes seconds
    from coinfer_ros.adapters.training.trainer import use_threads  # noqa: PLC0415

    training = Training.read(folder)
    if arguments.model not in {None, training.model}:
        raise InvalidInput(f"{folder} must be a {arguments.model}, got a {training.model}")
    use_threads(arguments.threads)
    # In float32, so that the scores are those of the weights, on every machine the same.
    head, tail = models.open_head(folder, kernel="float32"), models.open_tail(folder)
    example = EXAMPLES[training.model]
    each = score(head, tail, scenes=arguments.held_out, size=CAMERA_PX, example=example)
    with bar() as shown:
        scores = list(shown.track(each, total=len(WEIGHT_BITS), description="score"))
    card = model_card(training, head.info, head.weight_rate, scores, CAMERA_PX)
    (folder / "README.md").write_text(card, encoding="utf-8")
    _print_scores(scores, head.weight_rate)


def _print_scores(scores: Sequence[Score], weight_rate: float) -> None:
    table = Table("bits", "right captions", "CIDEr", "right answers", "weight error", "λ · error")
    for result in scores:
        table.add_row(
            str(result.bits),
            f"{result.accuracy:.1%}",
            "needs pycocoevalcap" if math.isnan(result.cider) else f"{result.cider:.2f}",
            f"{result.answer_accuracy:.1%}" if result.asked else "none asked",
            f"{result.distortion:.3g}",
            f"{weight_rate * result.distortion:.3g}",
        )
    Console().print(table)
