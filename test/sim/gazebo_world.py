# SPDX-License-Identifier: Apache-2.0
"""Reads SDF worlds for the tests: what stands where, and where the camera is."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from coinfer_ros.sim.arena.arena import Arena, Camera, Lamp, Pose, Robot, Thing, Wall
from coinfer_ros.sim.arena.sdf import sdf
from coinfer_ros.sim.arena.shipped import ARENAS

# Nothing at its default, everything askew.
ASKEW = Arena(
    "askew",
    7.3,
    5.1,
    (Thing("cube", "red", Pose(2.0, 1.0, -2.0), 0.21, 0.7), Thing("ball", "blue", Pose(-2, 1.5))),
    Robot(
        Pose(0.4, -0.7, 2.2),
        radius_m=0.2,
        height_m=0.3,
        wheel_radius_m=0.06,
        track_m=0.31,
        mass_kg=8.0,
        camera=Camera(0.15, 0.41, 0.25, 0.9, 320, 240, 20.0),
    ),
    walls=(Wall(Pose(-1.0, -1.2, 0.7), 1.9),),
    lamps=(Lamp(1.0, 1.0, 2.2, (0.6, 0.5, 0.4)),),
    ambient=0.2,
)
FIXED = [*ARENAS.values(), ASKEW]

each_arena = pytest.mark.parametrize("arena", FIXED, ids=lambda arena: arena.name)


class Frame:
    """A place and a direction: x, y, z and roll, pitch, yaw of SDF, within another frame."""

    def __init__(self, element, within=None):
        pose = numbers(element.find("pose")) if element.find("pose") is not None else [0.0] * 6
        self.place, self.turn = np.array(pose[:3]), Rotation.from_euler("xyz", pose[3:])
        if within is not None:
            self.place = within.place + within.turn.apply(self.place)
            self.turn = within.turn * self.turn


def numbers(element):
    return [float(word) for word in element.text.split()]


def number(element, path):
    return float(element.find(path).text)


def parsed(text):
    return ET.fromstring(text)  # noqa: S314  our own, or sdformat's


def sdf_world(arena):
    text, _ = sdf(arena)
    return parsed(text).find("world")


def bodies(world):
    """Yield every shape that is touched or seen: its name in MuJoCo, element and frame."""
    for model in world.iter("model"):
        for link in model.iter("link"):
            within = Frame(link, Frame(model))
            for kind in ("collision", "visual"):
                for element in link.iter(kind):
                    part = element.get("name").removesuffix(f"_{kind}")
                    name = {"body": "robot", "wheel": link.get("name")}.get(part, part)
                    yield name, element, Frame(element, within)


def sizes(shape):
    """Return a shape's figures: sides, or a radius and then a length."""
    if shape.tag in ("box", "plane"):
        return numbers(shape.find("size"))
    return [number(shape, part) for part in ("radius", "length") if shape.find(part) is not None]


def camera_frame(world):
    """Return where the camera is and its axes: forward, left, up, as columns."""
    robot = next(model for model in world.iter("model") if model.get("name") == "robot")
    link = robot.find("link/sensor/..")
    frame = Frame(link.find("sensor"), Frame(link, Frame(robot)))
    return frame.place, frame.turn.as_matrix()
