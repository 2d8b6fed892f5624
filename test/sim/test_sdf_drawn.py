# SPDX-License-Identifier: Apache-2.0
"""A pinhole camera at Gazebo's places sees the things where MuJoCo draws them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.arena.arena import Pose
from coinfer_ros.sim.arena.drawing import random_arena

from .gazebo_world import FIXED, bodies, camera_frame, sdf_world, sizes


@pytest.fixture(scope="module")
def drawn():
    """Make MuJoCo's worlds, which draw, and close them at the end."""
    pytest.importorskip("mujoco", reason="mujoco is not here: pip install .[simulation]")
    from coinfer_ros.sim.arena.world import World

    made = []

    def draw(arena):
        try:
            made.append(World(arena))
        except Unavailable as error:
            pytest.skip(str(error))
        return made[-1]

    yield draw
    for world in made:
        world.close()


def surface(element, frame):
    """Return points of a shape's outline from wherever it is seen, in the world, (N, 3)."""
    [shape] = element.find("geometry")
    angles = np.linspace(0.0, 2 * math.pi, 181)
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    if shape.tag == "box":
        points = np.array(sizes(shape)) / 2 * np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T
    elif shape.tag == "cylinder":
        radius, length = sizes(shape)
        points = np.concatenate([ring * radius + [0, 0, end * length / 2] for end in (-1, 1)])
    else:
        rings = [ring * math.cos(a) + [0, 0, math.sin(a)] for a in angles]
        points = np.concatenate(rings) * sizes(shape)
    return frame.place + frame.turn.apply(points)


def project(points, place, axes, camera):
    """Return where a pinhole shows points: x, y in pixels from the image's corner, (N, 2)."""
    ahead, left, up = ((points - place) @ axes).T
    middle = np.array([camera.width_px, camera.height_px]) / 2
    return middle - camera.focal_px * np.stack([left, up], axis=1) / ahead[:, None]


VIEWS = [(1.3, 0.0), (1.1, -0.15), (1.6, 0.15)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arena", [*FIXED, random_arena(np.random.default_rng(7))], ids=lambda arena: arena.name
)
def test_a_pinhole_at_gazebos_places_sees_what_mujoco_draws(drawn, arena):
    # A pixel is drawn when its middle is covered: half a pixel. MuJoCo's balls have 28 sides:
    # less than 0.3 pixels at these distances.
    simulated, start = drawn(arena), arena.robot.start
    camera = arena.robot.camera
    for thing in arena.things:
        towards = math.atan2(thing.at.y_m - start.y_m, thing.at.x_m - start.x_m)
        for away_m, aside_rad in VIEWS:
            pose = Pose(
                thing.at.x_m - away_m * math.cos(towards),
                thing.at.y_m - away_m * math.sin(towards),
                towards + aside_rad,
            )
            moved = replace(arena, robot=replace(arena.robot, start=pose))
            world = sdf_world(moved)
            [(element, frame)] = [
                (element, frame)
                for name, element, frame in bodies(world)
                if name == thing.label and element.tag == "visual"
            ]
            outline = project(surface(element, frame), *camera_frame(world), camera)
            middle = project(frame.place[None], *camera_frame(world), camera)[0]
            simulated.place(pose)
            mask = simulated.seen(thing.name)
            rows, columns = np.nonzero(mask)
            edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            expected = [*outline.min(axis=0), *outline.max(axis=0)]
            np.testing.assert_allclose(edges, expected, atol=0.8, err_msg=thing.name)
            assert mask[int(middle[1]), int(middle[0])]
