# SPDX-License-Identifier: Apache-2.0
"""Writes the model card of a trained model: what it is, how it was made, how well it does."""

from __future__ import annotations

import dataclasses
import json
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.tools.scoring import Score
from coinfer_ros.tools.training.descriptions import DESCRIPTIONS, Description

RECORD = "training.json"


@dataclass(frozen=True)
class Training:
    """How a model was trained; kept beside it, so that its card can be written again.

    :param model: which of the shipped models.
    :param command: the exact command.
    :param seed: seed of scenes, weights and batches.
    :param lessons: scenes or clips rendered for training.
    :param steps: optimizer steps taken.
    :param batch: lessons a step.
    :param seconds: wall time, rendering included, s.
    :param machine: what it was trained on.
    :param note: what else must be said of how it came about.
    """

    model: str
    command: str
    seed: int
    lessons: int
    steps: int
    batch: int
    seconds: float
    machine: str
    note: str = ""

    def write(self, folder: Path) -> None:
        """Write the record into a model's folder."""
        text = json.dumps(dataclasses.asdict(self), indent=2) + "\n"
        (folder / RECORD).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Training:
        """Read the record of a model.

        :raises Unavailable: when the folder has none.
        :raises InvalidInput: when it is broken.
        """
        file = folder / RECORD
        try:
            record = cls(**json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise Unavailable(
                f"--evaluate must be a model of coinfer train, got no {file}"
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise InvalidInput(f"{file} must be as coinfer train writes it: {error}") from error
        if record.model not in DESCRIPTIONS:
            known = ", ".join(DESCRIPTIONS)
            raise InvalidInput(f"{file} must name one of {known}, got {record.model!r}")
        return record


def model_card(
    training: Training, info: ModelInfo, weight_rate: float, scores: Sequence[Score], image_px: int
) -> str:
    """Return the model card as Markdown, front matter first.

    :param image_px: side of the images that it was scored on, pixels.
    """
    about = DESCRIPTIONS[training.model]
    tokens, channels = info.embedding_shape
    return f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: {about.pipeline}
language: en
---
# {about.title}

{_introduction(about, info.head_parameters + info.tail_parameters)}

| half | parameters | MFLOP {about.unit} |
|---|---|---|
| robot: {about.head} | {info.head_parameters} | {info.head_flop / 1e6:.2f} |
| edge: {about.tail}, to the first token | {info.tail_parameters} | {info.tail_flop / 1e6:.2f} |

The embedding between them has {tokens} tokens of {channels} channels.

## Scores
{_rules(about, scores, image_px)}

{_table(scores, weight_rate)}

λ, the reciprocal of the mean magnitude of the quantized weights, is {weight_rate:.2f}.

## How it was made
```
{training.command}
```
{_story(training, about)}

Weights are stored as float16. All scenes are synthetic: no photograph and no person is in the data.

Score it again with `coinfer train --evaluate` and this folder, which rewrites this card.
"""


def _introduction(about: Description, parameters: int) -> str:
    return _filled(
        f"A small {about.family} of {parameters / 1e6:.2f} M parameters. {about.says} It ships so "
        "that every part of coinfer_ros can be tried without a download, and it loads with "
        f"`{about.loader}.from_pretrained` like any other {about.family}. It knows nothing but "
        f"these {about.things}."
    )


def _rules(about: Description, scores: Sequence[Score], image_px: int) -> str:
    asked = scores[0].asked
    answers = f", and an answer to one of {asked} questions when it is the right one" * bool(asked)
    return _filled(
        f"{scores[0].scenes} held-out {about.things}, drawn at {image_px} px. A caption counts "
        f"when it is, word for word, one of the references{answers}. CIDEr is pycocoevalcap's, on "
        "the same captions. The robot's half computes in float32 with nested codes of the width "
        "that the row names; the edge's half is not quantized."
    )


def _story(training: Training, about: Description) -> str:
    note = f"{training.note} " if training.note else ""
    return _filled(
        f"Seed {training.seed}; {training.lessons} {about.things}, drawn by `coinfer_ros.sim`, "
        f"{about.augmented}; {training.steps} steps of {training.batch}; AdamW under a cosine "
        "schedule. Then the head's channels were spread by powers of two, which leaves what it "
        "says unchanged and gives its matrices the outlier channels of large models "
        "(`coinfer_ros/adapters/training/channels.py` says why). How fast quality falls below 8 "
        f"bits is therefore by design, not a finding. {note}Rendering and training took "
        f"{training.seconds / 60:.1f} minutes on {training.machine}."
    )


def _filled(text: str) -> str:
    return textwrap.fill(text, width=100, break_long_words=False, break_on_hyphens=False)


def _table(scores: Sequence[Score], weight_rate: float) -> str:
    asked = any(score.asked for score in scores)
    names = ["bits", "right captions", "CIDEr", *["right answers"] * asked]
    names += ["mean weight error", "λ · error"]
    rows = [names, ["---"] * len(names)]
    for score in scores:
        row = [str(score.bits), f"{score.accuracy:.1%}", _number(score.cider, ".2f")]
        row += [f"{score.answer_accuracy:.1%}"] * asked
        relative = weight_rate * score.distortion
        rows.append([*row, f"{score.distortion:.3g}", f"{relative:.3g}"])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _number(value: float, form: str) -> str:
    return "not measured" if math.isnan(value) else format(value, form)
