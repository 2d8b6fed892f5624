# SPDX-License-Identifier: Apache-2.0
"""What each shipped model is examined on: scenes and clips that no training has seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.sim import motion
from coinfer_ros.sim.questions import questions
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import captions
from coinfer_ros.tools.scene_data import HELD_OUT_ROOM, held_out_motion, held_out_scene
from coinfer_ros.tools.training.lessons import FRAMES, PLAIN, SCENE_VIEWS, Pair
from coinfer_ros.tools.training.room_lessons import room_view


@dataclass(frozen=True)
class Example:
    """One image or clip with what is right to say of it.

    :param image: RGB (S, S, 3), or a clip (F, S, S, 3).
    :param captions: the captions that are right; empty: it is only asked about.
    :param questions: prompts, each with its right answer.
    """

    image: NDArray[np.uint8]
    captions: tuple[str, ...]
    questions: tuple[Pair, ...] = ()


def scene_example(index: int, size: int) -> Example:
    """Return a held-out scene to be captioned."""
    scene = held_out_scene(index)
    return Example(render(scene, size), captions(scene))


def asked_example(index: int, size: int) -> Example:
    """Return a held-out scene to be captioned and asked about: one question each, in turn."""
    scene = held_out_scene(index)
    asked = questions(scene)
    return Example(render(scene, size), captions(scene), (asked[index % len(asked)],))


def room_example(index: int, size: int) -> Example:
    """Return a held-out scene to be captioned or, every other time, a room to be asked about."""
    if index % 2:
        return scene_example(index, size)
    # One view a room; what is there and what is not are asked for in turn.
    texts = room_view(HELD_OUT_ROOM, 0, index, 0, size, oversampling=1)
    groups = texts.texts[SCENE_VIEWS.index(PLAIN)]
    asked = groups[0] if index % 4 or len(groups) < 3 else groups[2]
    return Example(texts.image, (), (asked[index % len(asked)],))


def motion_example(index: int, size: int) -> Example:
    """Return a held-out clip to be captioned."""
    shown = held_out_motion(index)
    return Example(motion.frames(shown, FRAMES, size), motion.captions(shown))


EXAMPLES: dict[str, Callable[[int, int], Example]] = {
    "git-scenes": scene_example,
    "git-motion": motion_example,
    "blip2-scenes": asked_example,
    "blip2-rooms": room_example,
}
