# SPDX-License-Identifier: Apache-2.0
"""Draws clips whose captions nobody would dispute."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from coinfer_ros.sim.motion import IN_LINE_M, Motion, aside_m
from coinfer_ros.sim.render import CAMERA_DISTANCE_M
from coinfer_ros.sim.scene import Scene, SceneObject, random_scene
from coinfer_ros.sim.shapes import CUBE_HALF_SIDE

HIDING = ("behind", "in front")
KINDS = ("left", "right", "nearer", "farther", *HIDING, "still")
STEP_M = 0.6  # no motion is shorter than this
BESIDE_M = 0.55  # an object this far off another's line of sight is plainly beside it
NEAREST_M, FARTHEST_M = -0.9, 1.3  # all places lie between, before the wall
SLOPE = 0.3  # half the width of the view over its distance, the objects' own width left out
_REACH = math.sqrt(2) * CUBE_HALF_SIDE  # a cube's corner, the farthest that any solid reaches


def random_motion(rng: np.random.Generator) -> Motion:
    """Draw a clip whose caption nobody would dispute, forwards and backwards.

    :param rng: source of every choice.
    """
    kind = str(rng.choice(KINDS))
    scene = random_scene(rng)
    while len(scene.objects) != 2:
        scene = random_scene(rng)
    motion = _draw(rng, kind, scene)
    while not _is_plain(motion, kind):
        motion = _draw(rng, kind, scene)
    return motion


def _draw(rng: np.random.Generator, kind: str, scene: Scene) -> Motion:
    """Draw places that fit the kind; objects may be out of view or in each other's way."""
    first, second = (_put(thing, rng) for thing in scene.objects)
    step_m = float(rng.uniform(STEP_M, 1.2))
    to_x_m, to_z_m = {
        "left": (first.x_m - step_m, first.z_m),
        "right": (first.x_m + step_m, first.z_m),
        "nearer": (first.x_m, max(first.z_m - step_m, NEAREST_M)),
        "farther": (first.x_m, min(first.z_m + step_m, FARTHEST_M)),
        "still": (first.x_m, first.z_m),
    }.get(kind, (0.0, first.z_m))
    if kind in HIDING:
        near_line = float(rng.uniform(-0.8, 0.8)) * IN_LINE_M
        to_x_m = near_line - aside_m(scene, second, 0.0, first.z_m)
    return Motion(
        scene=dataclasses.replace(scene, objects=(first, second)),
        mover=0,
        to_x_m=to_x_m,
        to_z_m=to_z_m,
        begin=float(rng.uniform(0.0, 0.2)),
        end=float(rng.uniform(0.8, 1.0)),
    )


def _put(thing: SceneObject, rng: np.random.Generator) -> SceneObject:
    z_m = float(rng.uniform(NEAREST_M, FARTHEST_M))
    x_m = float(rng.uniform(-1.0, 1.0)) * _half_width_m(z_m)
    return dataclasses.replace(thing, x_m=x_m, z_m=z_m)


def _half_width_m(z_m: float) -> float:
    """Return how far from the middle an object at some depth is still well in view."""
    return SLOPE * (CAMERA_DISTANCE_M + z_m)


def _is_plain(motion: Motion, kind: str) -> bool:
    """Return whether all is seen, nothing touches and only one caption can be meant."""
    thing, other = motion.scene.objects
    steps = np.linspace((thing.x_m, thing.z_m), (motion.to_x_m, motion.to_z_m), 9)
    seen = all(abs(x_m) <= _half_width_m(z_m) for x_m, z_m in steps)
    length = np.hypot(*(steps[-1] - steps[0]))
    apart = np.hypot(*(steps - (other.x_m, other.z_m)).T).min()
    if not seen or apart < _REACH * (thing.size_m + other.size_m):
        return False
    first, last = (abs(aside_m(motion.scene, other, x_m, z_m)) for x_m, z_m in steps[[0, -1]])
    if kind in HIDING:
        return bool(first > BESIDE_M and (thing.z_m > other.z_m) == (kind == "behind"))
    return bool(min(first, last) > BESIDE_M and (kind == "still" or length >= STEP_M))
