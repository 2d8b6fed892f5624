# SPDX-License-Identifier: Apache-2.0
"""Where a ray meets a unit solid, and which way the surface looks there.

Every solid is centred on the origin, stands upright and fits the cube [-1, 1]³. Rays are arrays of
shape (3, N): one row a coordinate keeps every operation on contiguous memory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Rays = NDArray[np.float32]  # (3, N)
Reals = NDArray[np.float32]  # (N,)

CUBE_HALF_SIDE = 0.82
CYLINDER_RADIUS = 0.72
CONE_RADIUS = 0.95
_TINY = np.float32(1e-9)


class Solid(NamedTuple):
    """A unit solid: ray distances (inf for a miss) and outward normals of surface points."""

    distance: Callable[[Rays, Rays], Reals]
    normal: Callable[[Rays], Rays]


def _dot(first: Rays, second: Rays) -> Reals:
    return np.asarray(first[0] * second[0] + first[1] * second[1] + first[2] * second[2])


def _slab(origin: Reals, direction: Reals, half: float) -> tuple[Reals, Reals]:
    """Return where the rays enter and leave ``|coordinate| <= half``."""
    inverse = 1.0 / np.where(np.abs(direction) < _TINY, _TINY, direction)
    first, second = (-half - origin) * inverse, (half - origin) * inverse
    return np.minimum(first, second), np.maximum(first, second)


def _roots(a: Reals, half_b: Reals, c: Reals) -> tuple[Reals, Reals]:
    """Return the roots of ``a t² + 2 half_b t + c``; (inf, -inf) where there is none."""
    a = np.where(np.abs(a) < _TINY, _TINY, a)
    discriminant = half_b * half_b - a * c
    root = np.sqrt(np.maximum(discriminant, 0.0))
    miss = discriminant < 0.0
    low, high = (-half_b - root) / a, (-half_b + root) / a
    return np.where(miss, np.inf, low), np.where(miss, -np.inf, high)


def _entry(enter: Reals, leave: Reals) -> Reals:
    """Return the entry into a convex solid that lies ahead of the ray's origin."""
    return np.where((enter < leave) & (enter > 0.0), enter, np.float32(np.inf))


def _cube_distance(o: Rays, d: Rays) -> Reals:
    spans = [_slab(o[axis], d[axis], CUBE_HALF_SIDE) for axis in range(3)]
    enter = np.maximum(np.maximum(spans[0][0], spans[1][0]), spans[2][0])
    leave = np.minimum(np.minimum(spans[0][1], spans[1][1]), spans[2][1])
    return _entry(enter, leave)


def _cube_normal(p: Rays) -> Rays:
    axis = np.abs(p).argmax(axis=0)
    return np.where(np.arange(3)[:, None] == axis, np.sign(p), 0.0).astype(np.float32)


def _ball_distance(o: Rays, d: Rays) -> Reals:
    return _entry(*_roots(_dot(d, d), _dot(o, d), _dot(o, o) - 1.0))


def _ball_normal(p: Rays) -> Rays:
    return p


def _cylinder_distance(o: Rays, d: Rays) -> Reals:
    low, high = _roots(
        d[0] * d[0] + d[2] * d[2],
        o[0] * d[0] + o[2] * d[2],
        o[0] * o[0] + o[2] * o[2] - CYLINDER_RADIUS**2,
    )
    below, above = _slab(o[1], d[1], 1.0)
    return _entry(np.maximum(low, below), np.minimum(high, above))


def _cylinder_normal(p: Rays) -> Rays:
    cap = np.abs(p[1]) > np.float32(0.999)
    side = np.stack([p[0], np.zeros_like(p[1]), p[2]]) / CYLINDER_RADIUS
    lid = np.stack([np.zeros_like(p[1]), np.sign(p[1]), np.zeros_like(p[1])])
    return np.where(cap, lid, side).astype(np.float32)


def _cone_distance(o: Rays, d: Rays) -> Reals:
    """Return the nearer of the mantle between base and tip, and the base."""
    slope = np.float32((CONE_RADIUS / 2.0) ** 2)
    tip = 1.0 - o[1]
    roots = _roots(
        d[0] * d[0] + d[2] * d[2] - slope * d[1] * d[1],
        o[0] * d[0] + o[2] * d[2] + slope * tip * d[1],
        o[0] * o[0] + o[2] * o[2] - slope * tip * tip,
    )
    nearest = np.full(o.shape[1], np.inf, np.float32)
    for t in roots:
        height = o[1] + np.where(np.isfinite(t), t, 0.0) * d[1]
        good = (t > 0.0) & np.isfinite(t) & (np.abs(height) <= 1.0)
        nearest = np.where(good, np.minimum(nearest, t), nearest)
    base = (-1.0 - o[1]) / np.where(np.abs(d[1]) < _TINY, _TINY, d[1])
    x, z = o[0] + base * d[0], o[2] + base * d[2]
    good = (base > 0.0) & (x * x + z * z <= CONE_RADIUS**2)
    return np.where(good, np.minimum(nearest, base), nearest).astype(np.float32)


def _cone_normal(p: Rays) -> Rays:
    radius = np.maximum(np.hypot(p[0], p[2]), _TINY)
    slope = CONE_RADIUS / 2.0
    length = np.float32(np.hypot(1.0, slope))
    side = np.stack([p[0] / radius, np.full_like(radius, slope), p[2] / radius]) / length
    floor = np.array([[0.0], [-1.0], [0.0]], np.float32)
    return np.where(p[1] < np.float32(-0.999), floor, side).astype(np.float32)


SOLIDS: dict[str, Solid] = {
    "cube": Solid(_cube_distance, _cube_normal),
    "ball": Solid(_ball_distance, _ball_normal),
    "cylinder": Solid(_cylinder_distance, _cylinder_normal),
    "cone": Solid(_cone_distance, _cone_normal),
}
