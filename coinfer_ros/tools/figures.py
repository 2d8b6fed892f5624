# SPDX-License-Identifier: Apache-2.0
"""`coinfer figures`: the theory's figures as PNG, and every number in them as CSV beside them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from coinfer_ros import resources
from coinfer_ros.core import checks
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.tools.arguments import Parser, add_whole

if TYPE_CHECKING:
    from coinfer_ros.evaluation.autoencoder import Trained
    from coinfer_ros.evaluation.figures.artifact import Artifact

FIGURES = {
    "2": "magnitudes of weights",
    "3": "distortion of outputs",
    "4": "rate and distortion",
}
SHIPPED_MODEL = "models/git-scenes"
Share = Callable[[float], None]


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "figures",
        help="the theory's figures, drawn from computed and measured numbers",
        description="Figures 2 to 4 of arXiv 2602.13052 as PNG, their numbers as CSV.",
    )
    parser.add_argument(
        "--out", default="figures", metavar="DIR", help="where they go (default figures)"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="N", default=list(FIGURES), help="figures to make: 2, 3, 4"
    )
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        metavar="FOLDER",
        default=[],
        help="one more checkpoint for figure 2",
    )
    add_whole(parser, "--seed", low=0, high=2**32 - 1, text="seed of all that is drawn", default=0)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the figures and return the exit status.

    :raises InvalidInput: when an argument breaks its rule.
    :raises Unavailable: when a model or matplotlib is not here or the folder cannot be written.
    """
    wanted = {checks.one_of("--only", name, FIGURES) for name in arguments.only}
    if arguments.model and "2" not in wanted:
        raise InvalidInput("--model is for figure 2, got --only without it")
    out = _folder("--out", arguments.out)
    models = [_folder("--model", text) for text in arguments.model]
    # Imported once the words are known to be good: torch takes seconds.
    from coinfer_ros.evaluation.figures import artifact, canvas  # noqa: PLC0415

    canvas.matplotlib()
    _check_models(models)
    artifact.ready(out)
    with _bar() as bar:
        made = make(wanted, models, arguments.seed, bar)
    artifact.write(made, out)
    print(f"wrote {', '.join(one.name for one in made)} to {out}")
    return 0


def _folder(flag: str, text: str) -> Path:
    if not text:  # a path would make the current folder of it
        raise InvalidInput(f"{flag} must be a folder, got {text!r}")
    return Path(text)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True))


def _check_models(folders: Sequence[Path]) -> None:
    """Look through checkpoints without reading a weight.

    :raises CoinferError: of the kind that the checkpoint gives, but naming the flag.
    """
    from coinfer_ros.adapters.checkpoint import NAME, open_checkpoint  # noqa: PLC0415
    from coinfer_ros.evaluation.figures import subjects  # noqa: PLC0415

    try:
        for folder in folders:
            open_checkpoint(folder)
    except CoinferError as error:
        raise type(error)(str(error).replace(NAME, "--model", 1)) from error
    subjects.titles(folders)


def make(wanted: set[str], models: Sequence[Path], seed: int, bar: Progress) -> list[Artifact]:
    """Return some figures and their numbers.

    :param wanted: keys of ``FIGURES``.
    :param models: more checkpoints for figure 2.
    :param seed: of all that is drawn.
    :param bar: gets a task a figure.
    """
    made: list[Artifact] = []
    if wanted & {"2", "3"}:
        trained = _train(seed, bar)
        made += _magnitudes(trained, models, _task(bar, "2")) if "2" in wanted else []
        made += _output_distortion(trained, seed, _task(bar, "3")) if "3" in wanted else []
    if "4" in wanted:
        from coinfer_ros.evaluation.figures import rate_distortion as figure  # noqa: PLC0415

        made += figure.artifacts(
            rates_bits=figure.RATES_BITS,
            computed_bits=figure.BLAHUT_ARIMOTO_BITS,
            progress=_task(bar, "4"),
        )
    return made


def _task(bar: Progress, figure: str) -> Share:
    """Add a bar and return what sets it to a share done."""
    task = bar.add_task(f"figure {figure}, {FIGURES[figure]}", total=1.0)
    return lambda share: bar.update(task, completed=share)


def _train(seed: int, bar: Progress) -> Trained:
    from coinfer_ros.evaluation import autoencoder  # noqa: PLC0415

    task = bar.add_task("autoencoder", total=1.0)
    trained = autoencoder.train(
        seed=seed,
        steps=autoencoder.STEPS,
        progress=lambda share: bar.update(task, completed=share),
    )
    gain = trained.mean_image_error / trained.error
    bar.update(task, description=f"autoencoder, {gain:.1f} times better than the mean image")
    return trained


def _magnitudes(trained: Trained, models: Sequence[Path], share: Share) -> list[Artifact]:
    from coinfer_ros.evaluation.figures import (  # noqa: PLC0415
        magnitude_panels,
        magnitudes,
        subjects,
    )

    shipped = resources.path(SHIPPED_MODEL)
    found = subjects.models(trained.module, shipped, models, share)
    return [magnitude_panels.picture(found), *magnitudes.tables(found)]


def _output_distortion(trained: Trained, seed: int, share: Share) -> list[Artifact]:
    from coinfer_ros.evaluation.figures import (  # noqa: PLC0415
        output_distortion,
        output_models,
        output_panels,
    )

    shown = [
        output_models.autoencoder_subject(trained),
        output_models.shipped_subject(resources.path(SHIPPED_MODEL), seed=seed),
    ]
    found = output_models.measured_curves(shown, widths=output_distortion.WIDTHS, progress=share)
    tables = output_distortion.tables(found)
    return [output_panels.picture(found), *tables, output_models.training_table(trained)]
