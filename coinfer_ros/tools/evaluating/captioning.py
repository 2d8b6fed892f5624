# SPDX-License-Identifier: Apache-2.0
"""Captions the held-out images with the models stored in every way, in several processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from coinfer_ros import resources
from coinfer_ros.evaluation.quality.coding import Coding
from coinfer_ros.tools.held_out import EXAMPLES
from coinfer_ros.tools.resumable.crew import run_all
from coinfer_ros.tools.resumable.ledger import Form, Ledger

if TYPE_CHECKING:
    from coinfer_ros.evaluation.quality.captioner import Captioner

IMAGE_PX = 128  # each model makes 64 or fewer of them
DRAWN_TOGETHER = 25
# What the sensitivity of layers is measured on lies far behind what is captioned.
OTHERS_FIRST, OTHERS = 1_000_000, 8
CAPTIONS = "captions.csv"

Key = tuple[str, str]  # the model's name and the coding's
Captions = tuple[tuple[str, ...], float]  # of every image, and λD of the robot's half
Job = tuple[str, Coding]  # a model's name, and how it is stored


@dataclass(frozen=True)
class Shown:
    """Where the images of a model are, drawn once for all processes.

    :param folder: of the files.
    :param samples: how many are captioned.
    """

    folder: Path
    samples: int

    def images(self, model: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the images to caption, and those that layers are measured on."""
        every = np.load(self._pictures(model), mmap_mode="r")
        return every[: self.samples], every[self.samples :]

    def references(self, model: str) -> list[list[str]]:
        """Return the right captions of each image that is captioned."""
        told = json.loads(self._texts(model).read_text(encoding="utf-8"))
        return [list(texts) for texts in told]

    def there(self, model: str) -> bool:
        """Say whether a model's images were drawn."""
        return self._pictures(model).exists()

    def keep(
        self, model: str, images: NDArray[np.uint8], captions: Sequence[Sequence[str]]
    ) -> None:
        """Write what was drawn; the images last, which say that all is there."""
        self._texts(model).write_text(json.dumps(captions), encoding="utf-8")
        unfinished = self.folder / "unfinished.npy"
        np.save(unfinished, images)
        unfinished.rename(self._pictures(model))

    def forget(self, model: str) -> None:
        """Remove the images, which are drawn again in a minute, and keep the captions."""
        self._pictures(model).unlink(missing_ok=True)

    def _pictures(self, model: str) -> Path:
        return self.folder / f"{model}.npy"

    def _texts(self, model: str) -> Path:
        return self.folder / f"references-{model}.json"


def draw(
    shown: Shown,
    models: Iterable[str],
    *,
    workers: int,
    stopping: Callable[[], bool],
    tick: Callable[[int], None],
    lost: Callable[[str], None],
) -> None:
    """Draw the images of some models that are not there yet, until it is stopped.

    :param tick: called with how many were drawn.
    """
    for model in models:
        numbers = [*range(shown.samples), *range(OTHERS_FIRST, OTHERS_FIRST + OTHERS)]
        if shown.there(model):
            tick(len(numbers))
            continue
        pieces = [
            (model, tuple(numbers[first : first + DRAWN_TOGETHER]))
            for first in range(0, len(numbers), DRAWN_TOGETHER)
        ]
        drawn: dict[tuple[int, ...], Drawn] = {}

        def done(piece: tuple[str, tuple[int, ...]], made: Drawn) -> None:
            drawn[piece[1]] = made  # noqa: B023  called before the loop goes on
            tick(len(piece[1]))

        run_all(_draw, pieces, workers=workers, stopping=stopping, done=done, lost=lost)
        if len(drawn) < len(pieces):
            return
        ordered = [drawn[piece[1]] for piece in pieces]
        texts = [caption for _, captions in ordered for caption in captions][: shown.samples]
        shown.keep(model, np.concatenate([images for images, _ in ordered]), texts)


def caption(
    shown: Shown,
    jobs: Sequence[Job],
    ledger: Ledger[Key, Captions],
    *,
    workers: int,
    stopping: Callable[[], bool],
    tick: Callable[[], None],
    lost: Callable[[str], None],
) -> None:
    """Caption under every coding that the ledger has not, and keep what comes."""

    def done(job: Job, made: Captions) -> None:
        ledger.add((job[0], job[1].name), made)
        tick()

    missing = [
        (model, coding) for model, coding in jobs if (model, coding.name) not in ledger.records
    ]
    # One model and cut after the other: a process opens each once.
    missing.sort(key=lambda job: (job[0], job[1].cut, job[1].allocated))
    if missing and not stopping():
        work = partial(_caption, shown)
        count = min(workers, len(missing))
        run_all(work, missing, workers=count, stopping=stopping, done=done, lost=lost)


Drawn = tuple[NDArray[np.uint8], list[tuple[str, ...]]]


def _draw(piece: tuple[str, tuple[int, ...]]) -> Drawn:
    model, numbers = piece
    made = [EXAMPLES[model](number, IMAGE_PX) for number in numbers]
    return np.stack([one.image for one in made]), [one.captions for one in made]


def _caption(shown: Shown, job: Job) -> Captions:
    model, coding = job
    found = _captioner(shown, model, coding.cut).captions(coding)
    return found.texts, found.weight_error


@lru_cache(maxsize=1)
def _captioner(shown: Shown, model: str, cut: str) -> Captioner:
    from coinfer_ros.evaluation.quality.captioner import Captioner  # noqa: PLC0415  torch

    images, others = shown.images(model)
    return Captioner(resources.path(f"models/{model}"), list(images), list(others), cut)


def _read(row: dict[str, str]) -> tuple[Key, Captions]:
    texts = json.loads(row["captions"])
    return (row["model"], row["stored"]), (tuple(map(str, texts)), float(row["weight_error"]))


FORM: Form[Key, Captions] = Form(
    "captions",
    ("model", "stored", "weight_error", "captions"),
    lambda key, made: [*key, repr(made[1]), json.dumps(made[0], ensure_ascii=False)],
    _read,
)
