# SPDX-License-Identifier: Apache-2.0
"""Writes an arena as MJCF, MuJoCo's XML."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, SubElement, tostring

import cv2

from coinfer_ros.sim.arena import mjcf_robot
from coinfer_ros.sim.arena.arena import (
    SKY_RGB,
    WALL_HEIGHT_M,
    WALL_THICKNESS_M,
    Arena,
    Thing,
    Wall,
)
from coinfer_ros.sim.arena.mjcf_text import rgba, text
from coinfer_ros.sim.arena.texture import floor_picture, texture

TIMESTEP_S = 0.004
NEAREST_M, FARTHEST_M = 0.02, 60.0  # that the camera sees
LAMP_CUTOFF_RAD = math.radians(85.0)  # half of a lamp's cone


def mjcf(arena: Arena) -> tuple[str, dict[str, bytes]]:
    """Return the model and the files that it names.

    :returns: the XML, and pictures by file name.
    """
    root = Element("mujoco", model=arena.name)
    SubElement(root, "compiler", angle="radian")
    SubElement(root, "option", timestep=text(TIMESTEP_S), integrator="implicitfast")
    _visual(root, arena)
    assets = SubElement(root, "asset")
    sky = text(*(channel ** (1 / 2.2) for channel in SKY_RGB))
    SubElement(
        assets, "texture", type="skybox", builtin="flat", rgb1=sky, rgb2=sky, width="8", height="8"
    )
    for name, kind in (("floor", "2d"), ("wall", "cube")):
        SubElement(assets, "texture", name=name, type=kind, file=f"{name}.png")
        SubElement(assets, "material", name=name, texture=name, specular="0.1", shininess="0.1")
    world = SubElement(root, "worldbody")
    for lamp in arena.lamps:
        SubElement(
            world,
            "light",
            pos=text(lamp.x_m, lamp.y_m, lamp.height_m),
            dir="0 0 -1",
            diffuse=text(*lamp.rgb),
            specular="0.1 0.1 0.1",
            cutoff=text(math.degrees(LAMP_CUTOFF_RAD)),
            exponent="1",
        )
    floor = text(arena.length_m / 2, arena.width_m / 2, 0.1)
    SubElement(world, "geom", name="floor", type="plane", size=floor, material="floor")
    for name, wall in arena.every_wall():
        _wall(world, name, wall)
    for thing in arena.things:
        _thing(world, thing)
    mjcf_robot.robot(root, world, arena.robot)
    return tostring(root, encoding="unicode"), pictures(arena)


def pictures(arena: Arena) -> dict[str, bytes]:
    """Return the PNG files of floor and walls, by name: those of every simulator."""
    drawn = {
        "floor.png": floor_picture(arena.floor, arena.length_m, arena.width_m),
        "wall.png": texture(arena.wall),
    }
    return {
        name: cv2.imencode(".png", pixels[..., ::-1])[1].tobytes() for name, pixels in drawn.items()
    }


def _visual(root: Element, arena: Arena) -> None:
    visual, camera = SubElement(root, "visual"), arena.robot.camera
    SubElement(visual, "global", offwidth=str(camera.width_px), offheight=str(camera.height_px))
    ambient = text(*[arena.ambient] * 3)
    SubElement(visual, "headlight", ambient=ambient, diffuse="0 0 0", specular="0 0 0")
    SubElement(visual, "quality", shadowsize="512", offsamples="4")
    # Near and far planes are shares of the model's extent, which is set to one metre.
    SubElement(visual, "map", znear=text(NEAREST_M), zfar=text(FARTHEST_M))
    SubElement(root, "statistic", extent="1", center="0 0 0")


def _wall(world: Element, name: str, wall: Wall) -> None:
    SubElement(
        world,
        "geom",
        name=name,
        type="box",
        pos=text(wall.at.x_m, wall.at.y_m, WALL_HEIGHT_M / 2),
        euler=text(0.0, 0.0, wall.at.heading_rad),
        size=text(wall.length_m / 2, WALL_THICKNESS_M / 2, WALL_HEIGHT_M / 2),
        material="wall",
    )


def _thing(world: Element, thing: Thing) -> None:
    half = thing.size_m
    kind, size = {
        "cube": ("box", (half, half, half)),
        "ball": ("sphere", (half,)),
        "cylinder": ("cylinder", (half, half)),
    }[thing.shape]
    SubElement(
        world,
        "geom",
        name=thing.label,
        type=kind,
        pos=text(thing.at.x_m, thing.at.y_m, half),
        euler=text(0.0, 0.0, thing.at.heading_rad),
        size=text(*size),
        rgba=rgba(thing.rgb),
    )
