# SPDX-License-Identifier: Apache-2.0
"""Scenes and clips to learn from and to be scored on: never the same ones."""

from __future__ import annotations

import numpy as np

from coinfer_ros.sim.motion import Motion
from coinfer_ros.sim.random_motion import random_motion
from coinfer_ros.sim.scene import Scene, random_scene

# The first number of every seed: streams that cannot meet.
TRAINING, HELD_OUT, CLIP, TRAINING_MOTION, HELD_OUT_MOTION, TRAINING_ROOM, HELD_OUT_ROOM = range(7)


def training_scene(index: int, *, seed: int) -> Scene:
    """Return a scene of the training stream."""
    return random_scene(np.random.default_rng([TRAINING, seed, index]))


def held_out_scene(index: int) -> Scene:
    """Return a scene that no training run has seen, the same for all of them."""
    return random_scene(np.random.default_rng([HELD_OUT, index]))


def training_motion(index: int, *, seed: int) -> Motion:
    """Return a clip of the training stream."""
    return random_motion(np.random.default_rng([TRAINING_MOTION, seed, index]))


def held_out_motion(index: int) -> Motion:
    """Return a clip that no training run has seen, the same for all of them."""
    return random_motion(np.random.default_rng([HELD_OUT_MOTION, index]))
