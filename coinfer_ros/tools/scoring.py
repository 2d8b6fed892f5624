# SPDX-License-Identifier: Apache-2.0
"""Scores a split model: the share of held-out scenes that get a right caption."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.model import WEIGHT_BITS, Head, Tail
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import captions
from coinfer_ros.tools.scene_data import held_out_scene


@dataclass(frozen=True)
class Score:
    """How well the model does at one bit-width.

    :param bits: bit-width of the head's weights.
    :param correct: scenes with a right caption.
    :param scenes: scenes in all.
    :param distortion: mean absolute error per quantized weight, weight units.
    """

    bits: int
    correct: int
    scenes: int
    distortion: float

    def __post_init__(self) -> None:
        checks.whole("scenes", self.scenes, low=1, high=10**9)
        checks.whole("correct", self.correct, low=0, high=self.scenes)

    @property
    def accuracy(self) -> float:
        """Share of scenes with a right caption."""
        return self.correct / self.scenes


def score(
    head: Head,
    tail: Tail,
    *,
    scenes: int,
    size: int,
    widths: Sequence[int] = WEIGHT_BITS,
) -> Iterator[Score]:
    """Score a pair at each bit-width, through the seam that robot and edge use.

    :param scenes: how many held-out scenes.
    :param size: width and height of the camera image, pixels.
    :param widths: bit-widths to try.
    :raises InvalidInput: when an argument breaks its rule.
    """
    count = checks.whole("scenes", scenes, low=1, high=1_000_000)
    shown = [(render(scene, size), captions(scene)) for scene in map(held_out_scene, range(count))]
    for bits in widths:
        weights = head.prepare(bits)
        head.use(weights)
        correct = sum(tail.answer(head.embed(image), "").text in right for image, right in shown)
        yield Score(head.bits, correct, count, weights.distortion)
