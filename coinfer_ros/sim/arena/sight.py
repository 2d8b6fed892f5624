# SPDX-License-Identifier: Apache-2.0
"""Says truly where a thing is in the camera's image: what the model has to learn to see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.sim.arena.arena import Pose, Thing
from coinfer_ros.sim.arena.world import World

NEAR_M = 1.0  # from the robot's middle to the thing's, along the floor
CENTRE_SHARE = 1 / 6  # of the image's width, to either side of its middle
LEAST_SHARE = 0.0025  # of the image's pixels: less of a thing is not seen
# What is closer than this to a limit could be called either: it is neither taught nor examined.
_DOUBT_M, _DOUBT_SHARE = 0.08, 0.03

DIRECTIONS = ("left", "centre", "right")
DISTANCES = ("near", "far")


@dataclass(frozen=True)
class Sight:
    """Where one thing is in the image.

    :param direction: one of :data:`DIRECTIONS`; empty when it is not seen.
    :param distance: one of :data:`DISTANCES`; empty when it is not seen.
    :param plain: false where the truth is too near a limit to be disputed.
    """

    direction: str
    distance: str
    plain: bool = True

    @property
    def seen(self) -> bool:
        """True when it is in the image."""
        return bool(self.direction)


def sights(world: World) -> dict[str, Sight]:
    """Return where each thing is in what the camera sees now, by name."""
    names = [thing.name for thing in world.arena.things]
    masks = world.masks(names)
    return {name: _judged(world, name, mask) for name, mask in zip(names, masks, strict=True)}


def sight(world: World, name: str) -> Sight:
    """Return where a thing is in what the camera sees now.

    :raises InvalidInput: when there is no such thing.
    """
    return _judged(world, name, world.seen(name))


def _judged(world: World, name: str, mask: NDArray[np.bool_]) -> Sight:
    share = float(mask.mean())
    doubtful = LEAST_SHARE / 3 <= share < 2 * LEAST_SHARE
    if share < LEAST_SHARE:
        return Sight("", "", plain=share == 0.0 or not doubtful)
    middle = float(np.nonzero(mask)[1].mean() + 0.5) / mask.shape[1] - 0.5
    far_m = distance_m(world.pose, world.arena.thing(name))
    direction = "centre" if abs(middle) <= CENTRE_SHARE else "left" if middle < 0 else "right"
    plain = abs(abs(middle) - CENTRE_SHARE) > _DOUBT_SHARE and abs(far_m - NEAR_M) > _DOUBT_M
    return Sight(direction, "near" if far_m <= NEAR_M else "far", plain and not doubtful)


def distance_m(pose: Pose, thing: Thing) -> float:
    """Return how far the robot's middle is from a thing's, along the floor, m."""
    return math.hypot(thing.at.x_m - pose.x_m, thing.at.y_m - pose.y_m)


def bearing_rad(pose: Pose, thing: Thing) -> float:
    """Return the direction to a thing, counter-clockwise from the robot's, in (-pi, pi]."""
    towards = math.atan2(thing.at.y_m - pose.y_m, thing.at.x_m - pose.x_m)
    return math.remainder(towards - pose.heading_rad, 2.0 * math.pi)
