# SPDX-License-Identifier: Apache-2.0
"""What every model in training offers, and the batches that it learns from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

IMAGE_PX, PATCH_PX = 64, 16
MEAN, STD = 0.5, 0.25
# The library's 0.02 suits a width of 768; a width of 128 learns three times faster from this.
INITIAL_STD = 0.06
# It is too little for places, beside patches of 1.4: a BLIP-2 could not tell after 3 000 steps on
# which side a lone object was; from 1 it can after 400.
PLACE_STD = 1.0
MAX_TEXT_TOKENS = 64
IGNORED = -100  # the library's label of a token that is not learnt


@dataclass(frozen=True)
class Batch:
    """Images, a prompt for each, and an answer that is right.

    :param images: RGB (B, S, S, 3), or clips of it (B, F, S, S, 3).
    :param prompts: B texts, empty where a caption is asked for.
    :param answers: B texts.
    """

    images: NDArray[np.uint8]
    prompts: Sequence[str]
    answers: Sequence[str]


class Student(Protocol):
    """A model that is being taught."""

    model: Any  # the library's model, float32

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the mean loss of the answers' tokens."""
        ...

    def spread_channels(self, *, seed: int) -> None:
        """Give the head outlier channels without changing what it says."""
        ...

    def save(self, folder: Path) -> None:
        """Write a checkpoint folder that the library's ``from_pretrained`` loads."""
        ...


def split(text: str) -> list[str]:
    """Split a text into the words and marks that are tokens.

    >>> split("Question: what shape? Answer:")
    ['question', ':', 'what', 'shape', '?', 'answer', ':']
    """
    return re.findall(r"\w+|[^\w\s]", text.lower())


def vocabulary(special: Sequence[str], texts: Iterable[str]) -> dict[str, int]:
    """Return the number of every token: the special ones first, then the texts' in order."""
    words = {word for text in texts for word in split(text)}
    return {word: number for number, word in enumerate((*special, *sorted(words)))}


def pixels(images: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Do in one step what the saved image processor does to images of the right size."""
    raw = torch.from_numpy(images).to(device).movedim(-1, -3).to(torch.float32)
    return (raw / 255.0 - MEAN) / STD


def token_rows(
    batch: Batch, words: Mapping[str, int], *, lead: Sequence[int], end: int, pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and labels (B, T), padded to the longest row; only answers are labelled.

    :param lead: ids before the prompt.
    :param end: id after the answer.
    """
    rows = []
    for prompt, answer in zip(batch.prompts, batch.answers, strict=True):
        given = [*lead, *(words[word] for word in split(prompt))]
        rows.append((given, [*(words[word] for word in split(answer)), end]))
    longest = max(len(given) + len(learnt) for given, learnt in rows)
    fill = [longest - len(given) - len(learnt) for given, learnt in rows]
    ids = [given + learnt + [pad] * rest for (given, learnt), rest in zip(rows, fill, strict=True)]
    labels = [
        [IGNORED] * len(given) + learnt + [IGNORED] * rest
        for (given, learnt), rest in zip(rows, fill, strict=True)
    ]
    return torch.tensor(ids), torch.tensor(labels)
