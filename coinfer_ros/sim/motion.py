# SPDX-License-Identifier: Apache-2.0
"""Short clips in which one of two objects moves, or none, and the captions true of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.render import CAMERA_DISTANCE_M, render
from coinfer_ros.sim.scene import Scene, SceneObject

STILL_M = 0.05  # less than this is no motion
IN_LINE_M = 0.15  # an object this close to the line of sight of another hides it or is hidden


@dataclass(frozen=True)
class Motion:
    """Two objects of which one goes straight from its place to another; equal places are rest.

    :param scene: the scene at the start.
    :param mover: which of its two objects moves.
    :param to_x_m: where it ends to the right of the middle, m.
    :param to_z_m: where it ends behind the middle, m.
    :param begin: share of the clip after which it starts.
    :param end: share of the clip after which it rests.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    scene: Scene
    mover: int
    to_x_m: float
    to_z_m: float
    begin: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if len(self.scene.objects) != 2:
            raise InvalidInput(f"scene must have two objects, got {len(self.scene.objects)}")
        checks.whole("mover", self.mover, low=0, high=1)
        checks.number("to_x_m", self.to_x_m, low=-3.0, high=3.0, unit="m")
        checks.number("to_z_m", self.to_z_m, low=-1.5, high=1.5, unit="m")
        checks.number("begin", self.begin, low=0.0, high=0.5)
        checks.number("end", self.end, low=0.5, high=1.0, above=0.5)


def moment(motion: Motion, share: float) -> Scene:
    """Return the scene after a share of the clip; the motion starts and ends softly.

    :param share: 0 at the first frame, 1 at the last.
    """
    gone = min(1.0, max(0.0, (share - motion.begin) / (motion.end - motion.begin)))
    gone = gone * gone * (3.0 - 2.0 * gone)
    start, objects = motion.scene.objects[motion.mover], list(motion.scene.objects)
    objects[motion.mover] = dataclasses.replace(
        start,
        x_m=start.x_m + gone * (motion.to_x_m - start.x_m),
        z_m=start.z_m + gone * (motion.to_z_m - start.z_m),
    )
    return dataclasses.replace(motion.scene, objects=tuple(objects))


def frames(motion: Motion, count: int, size: int) -> NDArray[np.uint8]:
    """Draw frames spread evenly over the clip, each with sensor noise of its own.

    :param count: how many, at least 2.
    :param size: width and height, pixels.
    :returns: RGB (F, S, S, 3).
    :raises InvalidInput: when ``count`` or ``size`` breaks its rule.
    """
    count = checks.whole("count", count, low=2, high=10_000)
    scenes = [moment(motion, index / (count - 1)) for index in range(count)]
    seeds = [(scene.seed + index) % 2**32 for index, scene in enumerate(scenes)]
    return np.stack(
        [
            render(dataclasses.replace(scene, seed=seed), size)
            for scene, seed in zip(scenes, seeds, strict=True)
        ]
    )


def captions(motion: Motion) -> tuple[str, ...]:
    """Return the captions that are right for a clip.

    >>> cube = SceneObject("cube", "red", -0.6, 0.0, 0.4)
    >>> ball = SceneObject("ball", "blue", 0.6, -0.6, 0.4)
    >>> captions(Motion(Scene((cube, ball)), mover=0, to_x_m=0.78, to_z_m=0.5))
    ('the red cube moved behind the blue ball',)
    >>> captions(Motion(Scene((cube, ball)), mover=1, to_x_m=0.6, to_z_m=0.4))[1]
    'the blue ball moved farther away while the red cube stood still'
    >>> captions(Motion(Scene((cube, ball)), mover=1, to_x_m=0.6, to_z_m=-0.6))
    ('nothing moved', 'the red cube and the blue ball stood still')
    """
    thing, other = motion.scene.objects[motion.mover], motion.scene.objects[1 - motion.mover]
    across, back = motion.to_x_m - thing.x_m, motion.to_z_m - thing.z_m
    if max(abs(across), abs(back)) < STILL_M:
        left, right = (o.name for o in sorted((thing, other), key=lambda o: o.x_m))
        return "nothing moved", f"the {left} and the {right} stood still"
    sideways = abs(across) >= abs(back)
    if sideways and abs(aside_m(motion.scene, other, motion.to_x_m, motion.to_z_m)) <= IN_LINE_M:
        side = "behind" if motion.to_z_m > other.z_m else "in front of"
        return (f"the {thing.name} moved {side} the {other.name}",)
    if sideways:
        where = "right" if across > 0.0 else "left"
    else:
        where = "farther away" if back > 0.0 else "nearer"
    short = f"the {thing.name} moved {where}"
    return short, f"{short} while the {other.name} stood still"


def mirrored(motion: Motion) -> Motion:
    """Return the motion that the mirror image of a clip shows."""
    objects = tuple(dataclasses.replace(o, x_m=-o.x_m) for o in motion.scene.objects)
    camera_x_m = -motion.scene.camera_x_m
    scene = dataclasses.replace(motion.scene, objects=objects, camera_x_m=camera_x_m)
    return dataclasses.replace(motion, scene=scene, to_x_m=-motion.to_x_m)


def backwards(motion: Motion) -> Motion:
    """Return the motion that a clip shows when its frames run backwards."""
    start = motion.scene.objects[motion.mover]
    return dataclasses.replace(
        motion,
        scene=moment(motion, 1.0),
        to_x_m=start.x_m,
        to_z_m=start.z_m,
        begin=1.0 - motion.end,
        end=1.0 - motion.begin,
    )


def aside_m(scene: Scene, thing: SceneObject, x_m: float, z_m: float) -> float:
    """Return how far to the right of a thing's line of sight a place is."""
    bearing = (thing.x_m - scene.camera_x_m) / (CAMERA_DISTANCE_M + thing.z_m)
    return x_m - scene.camera_x_m - bearing * (CAMERA_DISTANCE_M + z_m)
