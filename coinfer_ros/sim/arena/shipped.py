# SPDX-License-Identifier: Apache-2.0
"""The arenas that come with the package, by name."""

from __future__ import annotations

import math

from coinfer_ros.sim.arena.arena import Arena, Lamp, Pose, Robot, Surface, Thing, Wall

ONE_ROOM = Arena(
    name="one_room",
    length_m=5.0,
    width_m=4.0,
    things=(
        Thing("cube", "red", Pose(1.7, 1.1, 0.4)),
        Thing("ball", "blue", Pose(1.6, -0.9)),
        Thing("cylinder", "yellow", Pose(-1.5, 1.2)),
        Thing("cube", "green", Pose(-1.7, -1.1, 1.0), 0.20),
    ),
    robot=Robot(Pose(0.0, 0.0, math.pi)),
    lamps=(Lamp(0.6, 0.4),),
    floor=Surface((0.46, 0.40, 0.33), "boards", 0.35, seed=1),
)

TWO_ROOMS = Arena(
    name="two_rooms",
    length_m=8.0,
    width_m=4.0,
    things=(
        Thing("cube", "red", Pose(3.0, 1.0, 0.4)),
        Thing("ball", "green", Pose(2.9, -1.1)),
        Thing("cylinder", "blue", Pose(-3.1, 1.1)),
        Thing("ball", "yellow", Pose(-3.0, -1.2)),
        Thing("cylinder", "white", Pose(-0.8, 1.3), 0.15),
    ),
    robot=Robot(Pose(-2.0, 0.0)),
    walls=(
        Wall(Pose(0.3, 1.3, math.pi / 2), 1.4),
        Wall(Pose(0.3, -1.3, math.pi / 2), 1.4),
    ),
    lamps=(Lamp(-2.0, 0.3), Lamp(2.2, -0.3)),
    lookouts=((-2.0, 0.0), (1.7, 0.0)),
    floor=Surface((0.40, 0.40, 0.42), "checks", 0.25),
    wall=Surface((0.60, 0.55, 0.48)),
)

ARENAS = {arena.name: arena for arena in (ONE_ROOM, TWO_ROOMS)}
