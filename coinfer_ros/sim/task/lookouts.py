# SPDX-License-Identifier: Apache-2.0
"""Reads from where a robot is to search: places by its odometry, or those of an arena."""

from __future__ import annotations

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import Arena, Pose
from coinfer_ros.sim.arena.named import RANDOM, named_arena
from coinfer_ros.sim.arena.relative import seen_from
from coinfer_ros.sim.arena.shipped import ARENAS

FARTHEST_M = 1e3
Places = tuple[tuple[float, float], ...]


def read_lookouts(text: str) -> Places:
    """Return places (x, y), m, as the odometry counts that begins at the robot's start.

    :param text: empty (none: it searches from where it is), a shipped arena's name, ``random`` and
        a seed, or places such as ``0 0, 3.7 0``.
    :raises InvalidInput: for anything else.

    >>> read_lookouts("0 0, 3.7 -1")
    ((0.0, 0.0), (3.7, -1.0))
    >>> [(round(x, 6), round(y, 6)) for x, y in read_lookouts("two_rooms")]
    [(0.0, 0.0), (3.7, 0.0)]
    >>> read_lookouts("random 7")[0]
    (0.0, 0.0)
    """
    words = text.split()
    if not words:
        return ()
    if text in ARENAS:
        return _of(ARENAS[text])
    try:
        if words[0] == RANDOM:
            (seed,) = words[1:]
            return _of(named_arena(RANDOM, int(seed)))
        return tuple(_place(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(
            f"task.lookouts must be empty, an arena ({', '.join(ARENAS)}, or {RANDOM} and a seed) "
            f"or places in metres such as '0 0, 3.7 0', got {text[:64]!r}"
        ) from error


def _of(arena: Arena) -> Places:
    seen = (seen_from(arena.robot.start, Pose(x_m, y_m)) for x_m, y_m in arena.lookouts)
    return tuple((pose.x_m, pose.y_m) for pose in seen)


def _place(text: str) -> tuple[float, float]:
    x_m, y_m = (
        checks.number("a place", float(word), low=-FARTHEST_M, high=FARTHEST_M, unit="m")
        for word in text.split()
    )
    return x_m, y_m
