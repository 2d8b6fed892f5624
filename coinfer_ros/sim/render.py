# SPDX-License-Identifier: Apache-2.0
"""A ray-caster for scenes: perspective, Lambert shading, soft shadows, seeded noise."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.sim.scene import COLOURS, Rgb, Scene, SceneObject
from coinfer_ros.sim.shapes import CUBE_HALF_SIDE, SOLIDS, Rays, Reals

CAMERA_DISTANCE_M = 4.3
VIEW_HALF_ANGLE_RAD = math.radians(19.5)
WALL_M = 1.9
LAMP_DISTANCE_M = 6.0
LAMP_RADIUS_M = 0.9
TILE_M = 0.7
_LIFT_M = np.float32(2e-3)  # lifts a shadow ray off the surface that float32 would sink it into


class _Surface(NamedTuple):
    """What the rays met: points (3, N), unit normals (3, N), linear colours (3, N)."""

    point: Rays
    normal: Rays
    colour: Rays


def render(scene: Scene, size: int) -> NDArray[np.uint8]:
    """Draw a scene.

    Every pixel averages 2 x 2 rays, and each of these looks at its own four points of the lamp.

    :param scene: what to draw.
    :param size: width and height of the image, pixels.
    :returns: sRGB image (size, size, 3).
    :raises InvalidInput: when ``size`` is not in [8, 4096].
    """
    size = checks.whole("size", size, low=8, high=4096)
    eye, direction = _camera_rays(scene, 2 * size)
    surface = _first_surface(scene, eye, direction)
    light = _lamp_light(scene, surface, 2 * size)
    linear = surface.colour * (light + _ambient_light(scene, surface))  # (3, 4 N)
    pixels = linear.reshape(3, size, 2, size, 2).mean(axis=(2, 4)).transpose(1, 2, 0)
    encoded = np.clip(pixels, 0.0, 1.0) ** (1 / 2.2)
    if scene.noise > 0.0:
        noise = np.random.default_rng(scene.seed).standard_normal(encoded.shape, np.float32)
        encoded = encoded + np.float32(scene.noise) * noise
    return np.asarray(np.rint(np.clip(encoded, 0.0, 1.0) * 255.0), np.uint8)


def _column(*values: float) -> Rays:
    return np.array(values, np.float32)[:, None]  # (3, 1)


def _dot(first: Rays, second: Rays) -> Reals:
    """Return the dot product of every pair; three products beat a sum along a short axis."""
    return np.asarray(first[0] * second[0] + first[1] * second[1] + first[2] * second[2])


def _rgb(colour: Rgb) -> Rays:
    return _column(*colour)


def _unit(vectors: Rays) -> Rays:
    return np.asarray(vectors / np.sqrt(_dot(vectors, vectors)), np.float32)


def _camera_rays(scene: Scene, size: int) -> tuple[Rays, Rays]:
    """Return the eye (3, 1) and the unit direction of every ray (3, size * size)."""
    eye = _column(scene.camera_x_m, scene.camera_height_m, -CAMERA_DISTANCE_M)
    forward = _unit(_column(0.3 * scene.camera_x_m, 0.42, 0.0) - eye)
    right = _unit(np.cross(_column(0.0, 1.0, 0.0), forward, axis=0).astype(np.float32))
    up = np.cross(forward, right, axis=0).astype(np.float32)
    half = math.tan(VIEW_HALF_ANGLE_RAD)
    ramp = ((np.arange(size) + 0.5) / size * 2 - 1) * half
    across, down = np.meshgrid(ramp.astype(np.float32), ramp.astype(np.float32))
    return eye, _unit(np.asarray(forward + right * across.ravel() - up * down.ravel()))


def _local(thing: SceneObject, vectors: Rays) -> Rays:
    """Turn world vectors into the frame of an object's unit solid."""
    cos, sin = math.cos(thing.heading_rad), math.sin(thing.heading_rad)
    turn = np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], np.float32)
    return turn @ vectors / np.float32(thing.size_m)


def _centre(thing: SceneObject) -> Rays:
    foot = CUBE_HALF_SIDE if thing.shape == "cube" else 1.0
    return _column(thing.x_m, foot * thing.size_m, thing.z_m)


def _distance(thing: SceneObject, origin: Rays, direction: Rays) -> Reals:
    """Return how far each ray goes before it meets an object, inf where it never does."""
    to_centre = _centre(thing) - origin
    along = _dot(to_centre, direction)
    aside = _dot(to_centre, to_centre) - along * along
    # Most rays pass the object by: a sphere around it spares them the exact test.
    near = np.flatnonzero((aside < 3.0 * thing.size_m**2) & (along > -2.0 * thing.size_m))
    heading = _local(thing, direction[:, near])
    there = _local(thing, -to_centre[:, near] if to_centre.shape[1] > 1 else -to_centre)
    distance = np.full(direction.shape[1], np.inf, np.float32)
    distance[near] = SOLIDS[thing.shape].distance(np.broadcast_to(there, heading.shape), heading)
    return distance


def _first_surface(scene: Scene, eye: Rays, direction: Rays) -> _Surface:
    """Follow every ray to the first thing it meets."""
    rise, depth = direction[1], np.maximum(direction[2], np.float32(1e-6))
    wall = (WALL_M - eye[2]) / depth
    floor = np.where(rise < 0, -eye[1] / np.minimum(rise, np.float32(-1e-6)), np.float32(np.inf))
    nearest = np.minimum(wall, floor)
    on_floor = floor < wall
    point = eye + direction * nearest
    tile = (np.floor(point[0] / TILE_M) + np.floor(point[2] / TILE_M)) % 2
    colour = np.where(on_floor, _rgb(scene.floor) * (1.0 - 0.1 * tile), _rgb(scene.wall))
    normal = np.where(on_floor, _column(0.0, 1.0, 0.0), _column(0.0, 0.0, -1.0))
    for thing in scene.objects:
        distance = _distance(thing, eye, direction)
        hit = distance < nearest
        nearest = np.where(hit, distance, nearest)
        met = eye + direction[:, hit] * distance[hit]
        point[:, hit] = met
        out = SOLIDS[thing.shape].normal(_local(thing, met - _centre(thing)))
        cos, sin = math.cos(thing.heading_rad), math.sin(thing.heading_rad)
        back = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], np.float32)
        normal[:, hit] = back @ out
        colour[:, hit] = np.minimum(_rgb(COLOURS[thing.colour]) * thing.tone, 1.0)
    return _Surface(point, normal, np.asarray(colour, np.float32))


def _lamp_points(scene: Scene) -> Rays:
    """Return sixteen points of the round lamp (3, 16): a sunflower's spiral."""
    azimuth, elevation = scene.lamp_azimuth_rad, scene.lamp_elevation_rad
    towards = _column(
        math.sin(azimuth) * math.cos(elevation),
        math.sin(elevation),
        -math.cos(azimuth) * math.cos(elevation),
    )
    side = _unit(np.cross(_column(0.0, 0.0, 1.0), towards, axis=0).astype(np.float32))
    other = np.cross(towards, side, axis=0).astype(np.float32)
    order = np.arange(16)
    radius = LAMP_RADIUS_M * np.sqrt((order + 0.5) / 16)
    angle = order * math.pi * (3 - math.sqrt(5))
    disc = side * (radius * np.cos(angle)) + other * (radius * np.sin(angle))
    return np.asarray(towards * LAMP_DISTANCE_M + disc, np.float32)


def _lamp_light(scene: Scene, surface: _Surface, size: int) -> Rays:
    """Return the lamp's light at every point, its shadows included (3, N)."""
    points = _lamp_points(scene)
    row, column = np.divmod(np.arange(size * size), size)
    corner = 2 * (row % 2) + column % 2  # which of a pixel's four rays
    origin = surface.point + surface.normal * _LIFT_M
    total = np.zeros(size * size, np.float32)
    for draw in range(4):
        towards = _unit(points[:, 4 * draw + corner] - surface.point)
        facing = _dot(surface.normal, towards)
        for thing in scene.objects:
            lit = np.flatnonzero(facing > 0.0)
            blocked = np.isfinite(_distance(thing, origin[:, lit], towards[:, lit]))
            facing[lit[blocked]] = 0.0
        total += np.maximum(facing, 0.0)
    return np.asarray(_rgb(scene.lamp) * (total / 4) * 1.15, np.float32)


def _ambient_light(scene: Scene, surface: _Surface) -> Rays:
    """Return the light from everywhere: less from below, less close to an object's foot (1, N)."""
    light = scene.ambient * (0.75 + 0.25 * surface.normal[1])
    for thing in scene.objects:
        apart = np.hypot(surface.point[0] - thing.x_m, surface.point[2] - thing.z_m)
        near = np.exp(-np.square(apart / (1.15 * thing.size_m)))
        low = np.exp(-np.square(surface.point[1] / (0.5 * thing.size_m)))
        light = light * (1.0 - 0.55 * near * low)
    return np.asarray(light, np.float32)[None, :]
