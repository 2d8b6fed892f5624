# SPDX-License-Identifier: Apache-2.0
"""An arena that moves: what the robot does, what its camera sees, and what is true of it."""

from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="mujoco is not here: pip install 'coinfer_ros[simulation]'")

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import Arena, Camera, Pose, Robot, Surface, Thing, Wall
from coinfer_ros.sim.arena.sight import NEAR_M, Sight, bearing_rad, distance_m, sight, sights
from coinfer_ros.sim.arena.world import World

CAMERA = Camera(width_px=64, height_px=48)
CUBE = Thing("cube", "red", Pose(1.8, 0.0, 0.3))
ARENA = Arena(
    name="test",
    length_m=6.0,
    width_m=4.0,
    things=(CUBE, Thing("ball", "blue", Pose(-2.0, 1.0))),
    robot=Robot(Pose(0.0, 0.0), camera=CAMERA),
)


@pytest.fixture
def world():
    with World(ARENA) as opened:
        yield opened


def test_it_drives_where_it_is_told(world: World) -> None:
    world.command(0.4, 0.0)
    world.advance(2.0)
    # The servo takes some tenths of a second to reach its speed.
    assert 0.7 < world.pose.x_m < 0.8
    assert abs(world.pose.y_m) < 0.01
    assert world.path_m == pytest.approx(world.pose.x_m, rel=0.01)
    world.command(0.0, 1.0)
    world.advance(1.5)
    assert 1.2 < world.pose.heading_rad < 1.6
    assert world.odometry.heading_rad == pytest.approx(world.pose.heading_rad, abs=0.1)
    assert world.touched == set()
    assert world.time_s == pytest.approx(3.5)


def test_the_same_commands_give_the_same_run_bit_by_bit(world: World) -> None:
    def run() -> tuple[Pose, bytes]:
        world.reset()
        for turn in (0.5, -0.3, 0.1):
            world.command(0.3, turn)
            world.advance(0.5)
        return world.pose, world.image().tobytes()

    assert run() == run()


def test_a_reset_is_the_beginning(world: World) -> None:
    first = world.image()
    world.command(0.5, 0.5)
    world.advance(1.0)
    assert not np.array_equal(world.image(), first)
    world.reset()
    assert (world.time_s, world.path_m, world.pose, world.odometry) == (
        0.0,
        0.0,
        ARENA.robot.start,
        ARENA.robot.start,
    )
    np.testing.assert_array_equal(world.image(), first)


def test_it_stops_at_what_it_drives_into_and_says_so(world: World) -> None:
    world.command(0.5, 0.0)
    world.advance(8.0)
    assert "red_cube" in world.touched
    assert world.pose.x_m < CUBE.at.x_m - CUBE.size_m


@pytest.mark.parametrize("speeds", [(math.nan, 0.0), (0.0, math.inf), (100.0, 0.0), ("1", 0.0)])
def test_a_speed_that_no_robot_has_is_refused_by_name(world: World, speeds: tuple) -> None:
    with pytest.raises(InvalidInput, match=r"^(forward_m_s|turn_rad_s) must be in .*, got "):
        world.command(*speeds)


@pytest.mark.parametrize(
    ("pose", "direction", "distance"),
    [
        (Pose(0.0, 0.0, 0.0), "centre", "far"),
        (Pose(1.1, 0.0, 0.0), "centre", "near"),
        (Pose(0.0, 0.0, 0.4), "right", "far"),
        (Pose(0.0, 0.0, -0.4), "left", "far"),
        (Pose(1.0, 0.0, 0.4), "right", "near"),
        (Pose(0.0, 0.0, 1.5), "", ""),
        (Pose(2.5, 0.0, 0.0), "", ""),
    ],
)
def test_the_truth_is_what_geometry_says(
    world: World, pose: Pose, direction: str, distance: str
) -> None:
    world.place(pose)
    assert sight(world, "red cube") == Sight(direction, distance)
    assert sights(world)["red cube"] == sight(world, "red cube")


def test_what_stands_behind_a_wall_is_not_seen() -> None:
    hidden = dataclasses.replace(ARENA, walls=(Wall(Pose(1.0, 0.0, math.pi / 2), 1.5),))
    with World(hidden) as world:
        assert not sight(world, "red cube").seen


def test_a_thing_that_is_not_there_is_refused_with_those_that_are(world: World) -> None:
    with pytest.raises(InvalidInput, match=r"one of red cube, blue ball, got 'green ball'"):
        world.seen("green ball")


def test_the_mask_is_where_the_colour_is(world: World) -> None:
    image, mask = world.image().astype(int), world.seen("red cube")
    red = (image[..., 0] > 60) & (image[..., 0] > 2 * image[..., 1:].max(-1))
    # Smoothed edges belong to either.
    assert (red & mask).sum() > 0.8 * mask.sum() > 20


def test_distances_and_bearings_are_those_of_plane_geometry() -> None:
    pose = Pose(1.8 - 3.0, -4.0, 0.1)
    assert distance_m(pose, CUBE) == pytest.approx(5.0)
    assert bearing_rad(pose, CUBE) == pytest.approx(math.atan2(4.0, 3.0) - 0.1)
    assert bearing_rad(Pose(3.0, 0.0, 0.0), CUBE) == pytest.approx(math.pi)
    assert NEAR_M < 1.5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"things": (CUBE, CUBE)}, r"things must differ .*, got two of 'red cube'"),
        ({"things": (Thing("cube", "red", Pose(2.9, 0.0)),)}, r"red cube must stand inside"),
        ({"robot": Robot(Pose(0.0, 1.95))}, r"the robot must stand inside the room, 4 m along y"),
        ({"lamps": ()}, r"lamps must hold at least one"),
        ({"name": "a b"}, r"name must be letters, digits and underscores, got 'a b'"),
        ({"length_m": math.nan}, r"length_m must be in \[2.0, 30.0\] m, got nan"),
    ],
)
def test_an_arena_that_cannot_be_is_refused(change: dict, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        dataclasses.replace(ARENA, **change)


@pytest.mark.parametrize("pattern", ["plain", "checks", "boards", "speckles"])
def test_every_pattern_is_drawn_from_its_seed(pattern: str) -> None:
    floor = Surface((0.5, 0.5, 0.5), pattern, 0.5, seed=3)
    images = []
    for _ in range(2):
        with World(dataclasses.replace(ARENA, floor=floor)) as world:
            images.append(world.image())
    np.testing.assert_array_equal(*images)
    ground = images[0][-8:].reshape(-1, 3)
    assert (ground.std(axis=0).max() > 1.0) or pattern == "plain"


def said_by(program: str, **environment: str) -> str:
    """Run a program in a process of its own, where MuJoCo can be imported anew."""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={k: v for k, v in os.environ.items() if k != "MUJOCO_GL"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return ended.stdout


OPEN = """
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.arena.shipped import ONE_ROOM
from coinfer_ros.sim.arena.world import World
try:
    World(ONE_ROOM).close()
except Unavailable as error:
    print(error)
"""


def test_without_anything_to_draw_with_the_packages_that_help_are_named(tmp_path) -> None:
    # The loader of EGL finds no driver in an empty folder.
    told = said_by(OPEN, __EGL_VENDOR_LIBRARY_DIRS=str(tmp_path))
    if not told:
        pytest.skip("OSMesa is here: nothing is missing")
    assert "apt install libegl1 libgl1-mesa-dri" in told
    assert "apt install libosmesa6" in told


def test_a_way_to_draw_that_was_named_and_does_not_work_is_refused_by_name(tmp_path) -> None:
    told = said_by(OPEN, MUJOCO_GL="egl", __EGL_VENDOR_LIBRARY_DIRS=str(tmp_path))
    assert "MUJOCO_GL must name a way to draw that works here, one of egl, osmesa" in told
    assert "got 'egl'" in told


def test_a_mujoco_that_was_imported_too_early_is_refused() -> None:
    told = said_by(f"import mujoco{OPEN}")
    assert "MUJOCO_GL must be set before mujoco is imported" in told
