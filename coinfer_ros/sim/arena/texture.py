# SPDX-License-Identifier: Apache-2.0
"""Pictures of floors and walls, the same for every simulator."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.sim.arena.arena import Surface

SIDE_PX = 128  # of one square of the pattern, which repeats
TILES = 4  # checks a side; boards a side
PX_PER_M = SIDE_PX // 2  # a square is two metres wide on the floor
_GAP_PX = 2  # dark joint between two boards


def texture(surface: Surface) -> NDArray[np.uint8]:
    """Return a surface's picture.

    :returns: sRGB (128, 128, 3); it can be laid side by side.
    """
    shade = 1.0 - surface.contrast * _darkness(surface)[..., None]  # (S, S, 1)
    linear = np.asarray(surface.rgb, np.float64) * shade
    return np.asarray(np.rint(np.clip(linear, 0.0, 1.0) ** (1 / 2.2) * 255.0), np.uint8)


def _darkness(surface: Surface) -> NDArray[np.float64]:
    """Return how dark each pixel is, 0 to 1, (S, S)."""
    place = np.arange(SIDE_PX) * TILES // SIDE_PX
    rng = np.random.default_rng(surface.seed)
    if surface.pattern == "checks":
        return ((place[:, None] + place) % 2).astype(np.float64)
    if surface.pattern == "boards":
        dark = np.repeat(rng.uniform(0.0, 0.6, TILES), SIDE_PX // TILES)
        dark[np.arange(SIDE_PX) % (SIDE_PX // TILES) < _GAP_PX] = 1.0
        return np.broadcast_to(dark[:, None], (SIDE_PX, SIDE_PX)).copy()
    if surface.pattern == "speckles":
        return rng.random((SIDE_PX, SIDE_PX)) ** 4
    return np.zeros((SIDE_PX, SIDE_PX))


def floor_picture(surface: Surface, length_m: float, width_m: float) -> NDArray[np.uint8]:
    """Return the picture of a whole floor: one pattern after another.

    :returns: sRGB (H, W, 3), W along ``length_m``.
    """
    tile = texture(surface)
    height, width = (max(round(side_m * PX_PER_M), 1) for side_m in (width_m, length_m))
    repeats = (-(-height // SIDE_PX), -(-width // SIDE_PX), 1)
    return np.ascontiguousarray(np.tile(tile, repeats)[:height, :width])
