# SPDX-License-Identifier: Apache-2.0
"""Scores a split model: the share of held-out scenes that get a right caption, and its CIDEr."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.model import WEIGHT_BITS, Head, HeadWeights, Tail
from coinfer_ros.evaluation.captions import cider
from coinfer_ros.tools.held_out import Example, scene_example


@dataclass(frozen=True)
class Score:
    """How well the model does at one bit-width.

    :param bits: bit-width of the head's weights.
    :param correct: scenes with a right caption.
    :param scenes: scenes that were captioned.
    :param distortion: mean absolute error per quantized weight, weight units.
    :param cider: CIDEr of the captions, NaN where pycocoevalcap is not installed.
    :param answered: questions with the right answer.
    :param asked: questions in all.
    """

    bits: int
    correct: int
    scenes: int
    distortion: float
    cider: float = math.nan
    answered: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        checks.whole("scenes", self.scenes, low=0, high=10**9)
        checks.whole("correct", self.correct, low=0, high=self.scenes)
        checks.whole("asked", self.asked, low=0, high=10**9)
        checks.whole("answered", self.answered, low=0, high=self.asked)

    @property
    def accuracy(self) -> float:
        """Share of scenes with a right caption, NaN where none was captioned."""
        return self.correct / self.scenes if self.scenes else math.nan

    @property
    def answer_accuracy(self) -> float:
        """Share of questions with the right answer, NaN where none was asked."""
        return self.answered / self.asked if self.asked else math.nan


def score(
    head: Head,
    tail: Tail,
    *,
    scenes: int,
    size: int,
    widths: Sequence[int] = WEIGHT_BITS,
    example: Callable[[int, int], Example] = scene_example,
) -> Iterator[Score]:
    """Score a pair at each bit-width, through the seam that robot and edge use.

    :param scenes: how many held-out scenes.
    :param size: width and height of the camera image, pixels.
    :param widths: bit-widths to try.
    :param example: makes each held-out example from its number and the size.
    :raises InvalidInput: when an argument breaks its rule.
    """
    count = checks.whole("scenes", scenes, low=1, high=1_000_000)
    shown = [example(index, size) for index in range(count)]
    for bits in widths:
        weights = head.prepare(bits)
        head.use(weights)
        yield _score(head, tail, weights, shown)


def _score(head: Head, tail: Tail, weights: HeadWeights, shown: Sequence[Example]) -> Score:
    said, right, answered, asked = [], [], 0, 0
    for item in shown:
        embedding = head.embed(item.image)
        if item.captions:
            said.append(tail.answer(embedding, "").text)
            right.append(item.captions)
        for prompt, answer in item.questions:
            answered += tail.answer(embedding, prompt).text == answer
            asked += 1
    return Score(
        bits=weights.bits,
        correct=sum(text in texts for text, texts in zip(said, right, strict=True)),
        scenes=len(said),
        distortion=weights.distortion,
        cider=_cider(said, right),
        answered=answered,
        asked=asked,
    )


def _cider(said: Sequence[str], right: Sequence[Sequence[str]]) -> float:
    if not said:
        return math.nan
    try:
        return cider(said, right)
    except Unavailable:
        return math.nan
