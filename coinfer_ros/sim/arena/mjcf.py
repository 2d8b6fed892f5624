# SPDX-License-Identifier: Apache-2.0
"""Writes an arena as MJCF, MuJoCo's XML."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, SubElement, tostring

import cv2

from coinfer_ros.sim.arena.arena import (
    SKY_RGB,
    WALL_HEIGHT_M,
    WALL_THICKNESS_M,
    Arena,
    Camera,
    Robot,
    Thing,
    Wall,
)
from coinfer_ros.sim.arena.texture import floor_picture, texture
from coinfer_ros.sim.scene import Rgb

TIMESTEP_S = 0.004
WHEEL_GAIN = 2.0  # torque for each rad/s that a wheel is too slow, N m s/rad
WHEEL_TORQUE_NM = 0.4  # 3 m/s2: its wheels do not slip
CASTER_RADIUS_M = 0.02
WHEEL_WIDTH_M = 0.03
CLEARANCE_M = 0.03  # under the body
BODY_SHARE = 0.8  # of the mass; the wheels have the rest
CASTER_MASS_KG = 0.01
WHEEL_FRICTION, CASTER_FRICTION = 1.2, 0.001  # the casters slide
WHEEL_DAMPING = 0.01  # N m s/rad
NEAREST_M, FARTHEST_M = 0.02, 60.0  # that the camera sees
LAMP_CUTOFF_RAD = math.radians(85.0)  # half of a lamp's cone
ROBOT_RGB: Rgb = (0.08, 0.08, 0.09)


def mjcf(arena: Arena) -> tuple[str, dict[str, bytes]]:
    """Return the model and the files that it names.

    :returns: the XML, and pictures by file name.
    """
    root = Element("mujoco", model=arena.name)
    SubElement(root, "compiler", angle="radian")
    SubElement(root, "option", timestep=_text(TIMESTEP_S), integrator="implicitfast")
    _visual(root, arena)
    assets = SubElement(root, "asset")
    sky = _text(*(channel ** (1 / 2.2) for channel in SKY_RGB))
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
            pos=_text(lamp.x_m, lamp.y_m, lamp.height_m),
            dir="0 0 -1",
            diffuse=_text(*lamp.rgb),
            specular="0.1 0.1 0.1",
            cutoff=_text(math.degrees(LAMP_CUTOFF_RAD)),
            exponent="1",
        )
    floor = _text(arena.length_m / 2, arena.width_m / 2, 0.1)
    SubElement(world, "geom", name="floor", type="plane", size=floor, material="floor")
    for name, wall in arena.every_wall():
        _wall(world, name, wall)
    for thing in arena.things:
        _thing(world, thing)
    _robot(root, world, arena.robot)
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
    ambient = _text(*[arena.ambient] * 3)
    SubElement(visual, "headlight", ambient=ambient, diffuse="0 0 0", specular="0 0 0")
    SubElement(visual, "quality", shadowsize="512", offsamples="4")
    # Near and far planes are shares of the model's extent, which is set to one metre.
    SubElement(visual, "map", znear=_text(NEAREST_M), zfar=_text(FARTHEST_M))
    SubElement(root, "statistic", extent="1", center="0 0 0")


def _wall(world: Element, name: str, wall: Wall) -> None:
    SubElement(
        world,
        "geom",
        name=name,
        type="box",
        pos=_text(wall.at.x_m, wall.at.y_m, WALL_HEIGHT_M / 2),
        euler=_text(0.0, 0.0, wall.at.heading_rad),
        size=_text(wall.length_m / 2, WALL_THICKNESS_M / 2, WALL_HEIGHT_M / 2),
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
        pos=_text(thing.at.x_m, thing.at.y_m, half),
        euler=_text(0.0, 0.0, thing.at.heading_rad),
        size=_text(*size),
        rgba=_rgba(thing.rgb),
    )


def _robot(root: Element, world: Element, robot: Robot) -> None:
    start, radius_m = robot.start, robot.wheel_radius_m
    place = _text(start.x_m, start.y_m, 0.0)
    turned = _text(0.0, 0.0, start.heading_rad)
    body = SubElement(world, "body", name="robot", pos=place, euler=turned)
    SubElement(body, "freejoint", name="robot")
    half_m = (robot.height_m - CLEARANCE_M) / 2
    SubElement(
        body,
        "geom",
        name="robot",
        type="cylinder",
        pos=_text(0.0, 0.0, CLEARANCE_M + half_m),
        size=_text(robot.radius_m, half_m),
        mass=_text(BODY_SHARE * robot.mass_kg),
        rgba=_rgba(ROBOT_RGB),
    )
    for name, sign in (("front", 1.0), ("back", -1.0)):
        SubElement(
            body,
            "geom",
            name=f"caster_{name}",
            type="sphere",
            pos=_text(sign * (robot.radius_m - CASTER_RADIUS_M), 0.0, CASTER_RADIUS_M),
            size=_text(CASTER_RADIUS_M),
            mass=_text(CASTER_MASS_KG),
            friction=_text(*[CASTER_FRICTION] * 3),
            priority="1",  # its friction alone counts: it slides
            rgba=_rgba(ROBOT_RGB),
        )
    actuators = SubElement(root, "actuator")
    for name, sign in (("left", 1.0), ("right", -1.0)):
        wheel = SubElement(
            body, "body", name=f"{name}_wheel", pos=_text(0.0, sign * robot.track_m / 2, radius_m)
        )
        SubElement(
            wheel,
            "joint",
            name=f"{name}_wheel",
            type="hinge",
            axis="0 1 0",
            damping=_text(WHEEL_DAMPING),
        )
        SubElement(
            wheel,
            "geom",
            name=f"{name}_wheel",
            type="cylinder",
            euler=_text(math.pi / 2, 0.0, 0.0),
            size=_text(radius_m, WHEEL_WIDTH_M / 2),
            mass=_text((1 - BODY_SHARE) / 2 * robot.mass_kg),
            friction=_text(WHEEL_FRICTION, 0.005, 0.0001),
            rgba=_rgba(ROBOT_RGB),
        )
        SubElement(
            actuators,
            "velocity",
            name=f"{name}_wheel",
            joint=f"{name}_wheel",
            kv=_text(WHEEL_GAIN),
            forcerange=_text(-WHEEL_TORQUE_NM, WHEEL_TORQUE_NM),
        )
    _camera(body, robot.camera)


def _camera(body: Element, camera: Camera) -> None:
    down = camera.pitch_rad
    SubElement(
        body,
        "camera",
        name="camera",
        pos=_text(camera.forward_m, 0.0, camera.height_m),
        # Its image's right and up: it looks along what is left of the three.
        xyaxes=_text(0.0, -1.0, 0.0, math.sin(down), 0.0, math.cos(down)),
        fovy=_text(math.degrees(camera.fov_vertical_rad)),  # in degrees, whatever the compiler says
    )


def _rgba(rgb: Rgb) -> str:
    """Return linear RGB as MuJoCo draws it: it does no gamma of its own."""
    return _text(*(channel ** (1 / 2.2) for channel in rgb), 1.0)


def _text(*values: float) -> str:
    return " ".join(f"{value:.9g}" for value in values)
