# SPDX-License-Identifier: Apache-2.0
"""Draws what a robot is to search for, and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import Arena, Camera
from coinfer_ros.sim.arena.drawing import random_arena
from coinfer_ros.sim.task.question import checked_name

_TRIES = 1000


@dataclass(frozen=True)
class Search:
    """A place, and the name of one of its things."""

    arena: Arena
    target: str


def draw_search(rng: np.random.Generator, camera: Camera, target: str = "") -> Search:
    """Draw an arena and one of its things.

    :param rng: source of every choice.
    :param camera: the robot's.
    :param target: the thing's name: arenas are drawn until it is in one; empty: any.
    :raises InvalidInput: when it is no thing that there can be.
    """
    if target:
        checked_name(target)
    for _ in range(_TRIES):
        arena = random_arena(rng, camera=camera)
        names = [thing.name for thing in arena.things]
        if not target and names:
            return Search(arena, str(rng.choice(names)))
        if target in names:
            return Search(arena, target)
    raise InvalidInput(f"the object must be in an arena of {_TRIES} drawn, got {target!r}")
