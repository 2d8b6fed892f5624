# SPDX-License-Identifier: Apache-2.0
"""Arenas by what a parameter says: a shipped one's name, or one drawn at random."""

from __future__ import annotations

import numpy as np

from coinfer_ros.core import checks
from coinfer_ros.sim.arena.arena import Arena
from coinfer_ros.sim.arena.drawing import random_arena
from coinfer_ros.sim.arena.shipped import ARENAS

RANDOM = "random"


def named_arena(name: str, seed: int) -> Arena:
    """Return a shipped arena, or the one that a seed draws where the name is ``random``.

    :raises InvalidInput: when there is none of that name.

    >>> named_arena("two_rooms", 0).length_m
    8.0
    >>> named_arena("random", 1) == named_arena("random", 1)
    True
    """
    checks.one_of("world.name", name[:64], (*ARENAS, RANDOM))
    return random_arena(np.random.default_rng(seed)) if name == RANDOM else ARENAS[name]
