# SPDX-License-Identifier: Apache-2.0
"""Rooms are found by name, and places to search from are read as odometry counts them."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import Pose
from coinfer_ros.sim.arena.named import named_arena
from coinfer_ros.sim.arena.relative import seen_from
from coinfer_ros.sim.task.lookouts import read_lookouts


def test_a_room_that_nobody_knows_is_refused_with_those_that_are_there():
    with pytest.raises(InvalidInput, match="one of one_room, two_rooms, random, got 'moon'"):
        named_arena("moon", 0)


def test_a_seed_draws_one_room_and_another_seed_another():
    assert named_arena("random", 3) == named_arena("random", 3)
    assert named_arena("random", 3) != named_arena("random", 4)
    assert named_arena("one_room", 3) == named_arena("one_room", 4)


@pytest.mark.parametrize("heading_rad", [0.0, 0.7, math.pi, -2.0])
def test_a_pose_is_the_same_distance_and_bearing_away_in_any_frame(heading_rad):
    origin, place = Pose(0.3, -1.2, heading_rad), Pose(1.0, 2.0, 0.4)
    seen = seen_from(origin, place)
    away_m = math.hypot(place.x_m - origin.x_m, place.y_m - origin.y_m)
    towards = math.atan2(place.y_m - origin.y_m, place.x_m - origin.x_m)
    assert math.hypot(seen.x_m, seen.y_m) == pytest.approx(away_m)
    bearing = math.remainder(towards - heading_rad - math.atan2(seen.y_m, seen.x_m), 2 * math.pi)
    assert bearing == pytest.approx(0.0, abs=1e-12)
    assert seen.heading_rad == pytest.approx(0.4 - heading_rad)


def test_a_random_rooms_places_begin_where_the_robot_starts():
    first, *others = read_lookouts("random 5")
    assert first == pytest.approx((0.0, 0.0), abs=1e-12)
    start = named_arena("random", 5).robot.start
    for (x_m, y_m), (room_x_m, room_y_m) in zip(
        others, named_arena("random", 5).lookouts[1:], strict=True
    ):
        away_m = math.hypot(room_x_m - start.x_m, room_y_m - start.y_m)
        assert math.hypot(x_m, y_m) == pytest.approx(away_m)


@pytest.mark.parametrize(
    "text", ["moon", "1", "1 2 3", "0 0,", "0 nan", "0 1e9", "random", "random x", "random -1"]
)
def test_places_that_are_none_are_refused_by_the_parameters_name(text):
    with pytest.raises(InvalidInput, match=r"task\.lookouts must be empty, an arena .*, got "):
        read_lookouts(text)


def test_no_places_are_none():
    assert read_lookouts(" ") == ()
