# SPDX-License-Identifier: Apache-2.0
"""Lessons in furnished rooms: what a robot's camera sees, and where each thing is in it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np

from coinfer_ros.core.errors import CoinferError
from coinfer_ros.sim.arena.arena import SHAPES, Camera, Pose
from coinfer_ros.sim.arena.drawing import random_arena
from coinfer_ros.sim.arena.sight import Sight, sights
from coinfer_ros.sim.arena.world import World
from coinfer_ros.sim.scene import COLOURS
from coinfer_ros.sim.task.question import answer, question
from coinfer_ros.tools.scene_data import TRAINING_ROOM, training_scene
from coinfer_ros.tools.training.lessons import (
    DRAWN_TOGETHER,
    Groups,
    Lesson,
    Pair,
    scene_with_questions,
)

VIEWS_A_ROOM = DRAWN_TOGETHER  # by one process: furnishing a room takes as long as ten views
ROOMS_OF_THREE = 2  # of three runs of lessons, so many are of rooms, the rest scenes on a table
OVERSAMPLING = 2  # rays a pixel's side, averaged
CLEARANCE_M = 0.25  # between the robot's middle and the edge of anything
NEAREST_M, FARTHEST_M = 0.45, 3.2  # of the thing that a view is about
NAMES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
_TRIES = 300


def rooms_lesson(index: int, *, seed: int, size: int) -> Lesson:
    """Draw a view of a room with where things are in it, or a scene with captions and questions.

    None has noise: every batch gets its own.

    :raises Unavailable: when MuJoCo is not here, or nothing to draw with.
    """
    run, view = divmod(index, VIEWS_A_ROOM)
    if run % 3 >= ROOMS_OF_THREE:
        scene = dataclasses.replace(training_scene(index, seed=seed), noise=0.0)
        return scene_with_questions(scene, size)
    return room_view(TRAINING_ROOM, seed, run, view, size)


def room_view(
    stream: int, seed: int, room: int, view: int, size: int, *, oversampling: int = OVERSAMPLING
) -> Lesson:
    """Draw one view of one room.

    :param stream: which stream of random numbers, of ``scene_data``.
    :param size: width and height, pixels.
    """
    world = _room(stream, seed, room, size * oversampling)
    rng = np.random.default_rng([stream, seed, room, 1 + view])
    world.place(_random_pose(world, rng))
    image = cv2.resize(world.image(), (size, size), interpolation=cv2.INTER_AREA)
    seen = sights(world)
    mirrored = {name: _mirrored(one) for name, one in seen.items()}
    return Lesson(image, (_texts(mirrored), _texts(seen)))


@lru_cache(maxsize=1)
def _room(stream: int, seed: int, room: int, size: int) -> World:
    """Furnish a room; the last one is kept, for its next view."""
    rng = np.random.default_rng([stream, seed, room, 0])
    camera = Camera(
        height_m=float(rng.uniform(0.25, 0.40)),
        pitch_rad=float(rng.uniform(0.05, 0.15)),
        fov_rad=float(rng.uniform(1.15, 1.25)),
        width_px=size,
        height_px=size,
    )
    return World(random_arena(rng, camera=camera))


def _random_pose(world: World, rng: np.random.Generator) -> Pose:
    """Draw a place for the robot: near and far from a thing that it roughly faces, or anywhere."""
    arena = world.arena
    thing = arena.things[int(rng.integers(len(arena.things)))]
    for _ in range(_TRIES):
        far_m = math.exp(rng.uniform(math.log(NEAREST_M), math.log(FARTHEST_M)))
        towards = float(rng.uniform(-math.pi, math.pi))
        x_m = thing.at.x_m - far_m * math.cos(towards)
        y_m = thing.at.y_m - far_m * math.sin(towards)
        spread = 0.75 if rng.random() < 0.8 else math.pi
        pose = Pose(x_m, y_m, towards + float(rng.uniform(-spread, spread)))
        if _is_free(world, pose):
            return pose
    raise CoinferError(f"no free place found in {_TRIES} tries in {arena.name}")


def _is_free(world: World, pose: Pose) -> bool:
    arena = world.arena
    inside = (
        abs(pose.x_m) + CLEARANCE_M <= arena.length_m / 2
        and abs(pose.y_m) + CLEARANCE_M <= arena.width_m / 2
    )
    return inside and all(
        math.hypot(pose.x_m - thing.at.x_m, pose.y_m - thing.at.y_m) >= thing.reach_m + CLEARANCE_M
        for thing in arena.things
    )


def _mirrored(seen: Sight) -> Sight:
    other = {"left": "right", "right": "left"}.get(seen.direction, seen.direction)
    return Sight(other, seen.distance, seen.plain)


def _texts(seen: dict[str, Sight]) -> Groups:
    """Return what is right to say: twice as often where a thing is as that one is not there."""
    plain = {name: one for name, one in seen.items() if one.seen and one.plain}
    there = tuple((question(name), answer(one)) for name, one in plain.items())
    hidden = {name for name, one in seen.items() if not one.seen and one.plain}
    absent = tuple(_absent(set(seen) - hidden))
    captions = tuple(_captions(plain)) if len(plain) + len(hidden) == len(seen) else ()
    return tuple(group for group in (there, there, absent, captions) if group)


def _absent(excepted: set[str]) -> Iterator[Pair]:
    for name in NAMES:
        if name not in excepted:
            yield question(name), answer(Sight("", ""))


def _captions(plain: dict[str, Sight]) -> Iterator[Pair]:
    """Yield the caption of the one thing in sight, in the words of a scene's."""
    if len(plain) == 1:
        ((name, one),) = plain.items()
        where = {"centre": "in the middle"}.get(one.direction, f"on the {one.direction}")
        yield "", f"a {name} {where}"
