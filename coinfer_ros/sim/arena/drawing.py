# SPDX-License-Identifier: Apache-2.0
"""Draws arenas at random: every one furnished, lit and painted differently."""

from __future__ import annotations

import math

import numpy as np

from coinfer_ros.sim.arena.arena import (
    PATTERNS,
    SHAPES,
    Arena,
    Camera,
    Lamp,
    Pose,
    Robot,
    Surface,
    Thing,
)
from coinfer_ros.sim.scene import COLOURS

START_GAP_M = 1.3  # least distance of a thing from where the robot starts
GAP_M = 0.9  # least distance between two things' middles: a robot fits between
EDGE_M = 0.45  # least distance of a thing's middle from a wall
WAY_M = 0.3  # least room to either side of a way between two lookouts
_TRIES = 200


def random_arena(
    rng: np.random.Generator, *, camera: Camera | None = None, name: str = "arena"
) -> Arena:
    """Draw one room with three to five things and a robot near its middle.

    :param rng: source of every choice.
    :param camera: the robot's.
    """
    length_m, width_m = float(rng.uniform(4.5, 6.0)), float(rng.uniform(4.0, 5.0))
    start = Pose(
        float(rng.uniform(-0.4, 0.4)),
        float(rng.uniform(-0.4, 0.4)),
        float(rng.uniform(-math.pi, math.pi)),
    )
    things = _things(rng, length_m, width_m, start)
    return Arena(
        name=name,
        length_m=length_m,
        width_m=width_m,
        things=things,
        robot=Robot(start, camera=camera or Camera()),
        lamps=_lamps(rng, length_m, width_m),
        lookouts=((start.x_m, start.y_m), *_lookouts(rng, start, things)),
        floor=_surface(rng, 0.20, 0.60),
        wall=_surface(rng, 0.30, 0.70),
        ambient=float(rng.uniform(0.25, 0.45)),
    )


def _things(
    rng: np.random.Generator, length_m: float, width_m: float, start: Pose
) -> tuple[Thing, ...]:
    kinds = [(shape, colour) for shape in SHAPES for colour in COLOURS]
    chosen = rng.choice(len(kinds), int(rng.integers(3, 6)), replace=False)
    placed: list[Thing] = []
    for shape, colour in (kinds[number] for number in chosen):
        for _ in range(_TRIES):
            x_m = float(rng.uniform(-0.5, 0.5)) * (length_m - 2 * EDGE_M)
            y_m = float(rng.uniform(-0.5, 0.5)) * (width_m - 2 * EDGE_M)
            free = math.hypot(x_m - start.x_m, y_m - start.y_m) >= START_GAP_M and all(
                math.hypot(x_m - thing.at.x_m, y_m - thing.at.y_m) >= GAP_M for thing in placed
            )
            if free:
                at = Pose(x_m, y_m, float(rng.uniform(-math.pi, math.pi)))
                size_m, tone = float(rng.uniform(0.14, 0.22)), float(rng.uniform(0.75, 1.1))
                placed.append(Thing(shape, colour, at, size_m, tone))
                break
    return tuple(placed)


def _lookouts(
    rng: np.random.Generator, start: Pose, things: tuple[Thing, ...]
) -> list[tuple[float, float]]:
    """Draw up to two places to search from, to either side; the ways to them are free."""
    found: list[tuple[float, float]] = []
    for side in (1.0, -1.0):
        for _ in range(_TRIES):
            x_m = start.x_m + side * float(rng.uniform(0.8, 1.4))
            y_m = start.y_m + float(rng.uniform(-0.6, 0.6))
            before = found[-1] if found else (start.x_m, start.y_m)
            ways = ((before, (x_m, y_m)), ((x_m, y_m), (start.x_m, start.y_m)))
            if all(_is_free(*way, thing) for way in ways for thing in things):
                found.append((x_m, y_m))
                break
    return found


def _is_free(begin: tuple[float, float], end: tuple[float, float], thing: Thing) -> bool:
    """Return whether a straight way passes a thing with room for a robot."""
    way, off = np.subtract(end, begin), np.subtract((thing.at.x_m, thing.at.y_m), begin)
    share = float(np.clip(off @ way / max(float(way @ way), 1e-9), 0.0, 1.0))
    return float(np.hypot(*(off - share * way))) >= thing.reach_m + WAY_M


def _lamps(rng: np.random.Generator, length_m: float, width_m: float) -> tuple[Lamp, ...]:
    lamps = []
    count = int(rng.integers(1, 3))
    for _ in range(count):
        red, green, blue = rng.uniform(0.9, 1.0, 3) * rng.uniform(0.5, 0.85) / math.sqrt(count)
        lamps.append(
            Lamp(
                float(rng.uniform(-0.3, 0.3)) * length_m,
                float(rng.uniform(-0.3, 0.3)) * width_m,
                float(rng.uniform(2.3, 3.0)),
                (float(red), float(green), float(blue)),
            )
        )
    return tuple(lamps)


def _surface(rng: np.random.Generator, darkest: float, lightest: float) -> Surface:
    """Draw a slightly tinted grey and what is on it."""
    red, green, blue = rng.uniform(darkest, lightest) * rng.uniform(0.85, 1.15, 3)
    return Surface(
        (float(red), float(green), float(blue)),
        str(rng.choice(PATTERNS)),
        float(rng.uniform(0.1, 0.5)),
        int(rng.integers(2**32)),
    )
