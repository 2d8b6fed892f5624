# SPDX-License-Identifier: Apache-2.0
"""The models that ``coinfer train`` makes: what each learns from, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coinfer_ros.tools.training import lessons, room_lessons
from coinfer_ros.tools.training.lessons import FRAMES, Lesson

if TYPE_CHECKING:
    from coinfer_ros.adapters.training.student import Student


@dataclass(frozen=True)
class Recipe:
    """How one model is made.

    :param lesson: draws one lesson of the training.
    :param views: the axes that each view of a lesson flips.
    :param student: makes the untrained model from its vocabulary and a seed.
    :param lessons: how many lessons are rendered.
    :param steps: optimizer steps.
    :param batch: lessons a step.
    :param noise: of the noisiest sensor that a batch's images get, 1 is full scale.
    """

    lesson: Callable[..., Lesson]
    views: tuple[tuple[int, ...], ...]
    student: Callable[[Iterable[str], int], Student]
    lessons: int
    steps: int
    batch: int
    noise: float = 0.0


# torch takes seconds to import: only who trains waits for it.
def _git(texts: Iterable[str], seed: int) -> Student:
    from coinfer_ros.adapters.training.git_student import GitStudent  # noqa: PLC0415

    return GitStudent(texts, seed=seed)


def _git_video(texts: Iterable[str], seed: int) -> Student:
    from coinfer_ros.adapters.training.git_student import GitStudent  # noqa: PLC0415

    return GitStudent(texts, seed=seed, frames=FRAMES)


def _blip2(texts: Iterable[str], seed: int) -> Student:
    from coinfer_ros.adapters.training.blip2_student import Blip2Student  # noqa: PLC0415

    return Blip2Student(texts, seed=seed)


RECIPES = {
    "git-scenes": Recipe(
        lesson=lessons.captions_lesson,
        views=lessons.SCENE_VIEWS,
        student=_git,
        lessons=40_000,
        steps=8_000,
        batch=64,
    ),
    "git-motion": Recipe(
        lesson=lessons.motion_lesson,
        views=lessons.MOTION_VIEWS,
        student=_git_video,
        lessons=12_000,
        steps=6_000,
        batch=128,
    ),
    "blip2-scenes": Recipe(
        lesson=lessons.questions_lesson,
        views=lessons.SCENE_VIEWS,
        student=_blip2,
        lessons=40_000,
        steps=8_000,
        batch=128,
    ),
    "blip2-rooms": Recipe(
        lesson=room_lessons.rooms_lesson,
        views=lessons.SCENE_VIEWS,
        student=_blip2,
        lessons=24_000,
        steps=4_000,
        batch=128,
        noise=0.02,
    ),
}
