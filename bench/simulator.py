# SPDX-License-Identifier: Apache-2.0
"""How fast the simulated room is: steps of physics and images of the camera a second."""

from __future__ import annotations

import dataclasses

from bench.options import Options
from bench.section import Section
from bench.stats import Spread, timed
from coinfer_ros.sim.arena.arena import Arena, Camera, Pose
from coinfer_ros.sim.arena.mjcf import TIMESTEP_S
from coinfer_ros.sim.arena.shipped import ONE_ROOM
from coinfer_ros.sim.arena.sight import sights
from coinfer_ros.sim.arena.world import World

STEPS_A_ROUND = 25
VIEW = Pose(0.0, 0.0, 0.6)  # two things in sight
SIZES = ((64, 64), (128, 128), (224, 224), (640, 480))


def measure(options: Options) -> Section:
    """Time physics, images and the truth about them in one of the shipped rooms."""
    rounds = options.rounds(200, 10)
    rows = []
    with World(ONE_ROOM) as world:
        world.command(0.2, 0.5)  # in a circle of 0.4 m: it meets nothing
        seconds = timed(lambda: world.advance(STEPS_A_ROUND * TIMESTEP_S), rounds=rounds)
        rows.append(_row("steps of physics", seconds, STEPS_A_ROUND))
    for width, height in SIZES:
        with World(_seen_by(Camera(width_px=width, height_px=height))) as world:
            world.place(VIEW)
            size = f"{width} x {height}"
            rows.append(_row(f"images, {size}", timed(world.image, rounds=rounds), 1))
            if (width, height) == (224, 224):
                truth = timed(lambda w=world: sights(w), rounds=rounds)
                rows.append(_row(f"where all things are, {size}", truth, 1))
    rows.append(_row("rooms furnished", timed(_furnish, rounds=options.rounds(20, 3)), 1))
    return Section(
        title="The simulated room",
        columns=("what", "a second", "p50, ms each", "p95, ms each"),
        rows=tuple(rows),
        reading=(
            f"The room one_room by MuJoCo, {TIMESTEP_S * 1e3:g} ms a step "
            f"({STEPS_A_ROUND} steps at a time), drawn off screen in this process; "
            "on a machine without a GPU by Mesa's software renderer, which takes all cores that it "
            "finds. The lamp's shadow is most of a small image; where all things are is one more "
            "drawing without light."
        ),
    )


def _seen_by(camera: Camera) -> Arena:
    return dataclasses.replace(ONE_ROOM, robot=dataclasses.replace(ONE_ROOM.robot, camera=camera))


def _furnish() -> None:
    World(ONE_ROOM).close()


def _row(what: str, seconds: Spread, count: int) -> tuple[str, ...]:
    each = [1e3 * value / count for value in (seconds.p50, seconds.p95)]
    return (what, f"{1e3 / each[0]:.0f}", *(f"{value:.3g}" for value in each))
