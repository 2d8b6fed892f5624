# SPDX-License-Identifier: Apache-2.0
"""Writes an arena as SDF, Gazebo's XML."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, indent, tostring

from coinfer_ros.sim.arena import sdf_parts, sdf_robot
from coinfer_ros.sim.arena.arena import (
    SKY_RGB,
    WALL_HEIGHT_M,
    WALL_THICKNESS_M,
    Arena,
    Lamp,
    Thing,
    Wall,
)
from coinfer_ros.sim.arena.mjcf import (
    FARTHEST_M,
    LAMP_CUTOFF_RAD,
    TIMESTEP_S,
    pictures,
)
from coinfer_ros.sim.arena.mjcf_robot import WHEEL_FRICTION
from coinfer_ros.sim.arena.sdf_parts import add

VERSION = "1.9"  # Fortress and every later Gazebo read it
GRAVITY_M_S2 = 9.81
FRICTION = 1.0
# Of two bodies' friction MuJoCo takes the greater and DART, Gazebo's physics, the less: the floor
# must not hold less than a wheel does.
FLOOR_FRICTION = max(FRICTION, WHEEL_FRICTION)
SYSTEMS = {
    "physics": "Physics",
    "user-commands": "UserCommands",
    "scene-broadcaster": "SceneBroadcaster",
    "sensors": "Sensors",
}


def sdf(arena: Arena) -> tuple[str, dict[str, bytes]]:
    """Return the world and the files that it names: what ``mjcf`` describes, for Gazebo.

    :returns: the XML, and pictures by file name, to lie beside it.
    """
    root = Element("sdf", version=VERSION)
    world = add(root, "world", name=arena.name)
    _physics(world)
    _light(world, arena)
    _floor(world, arena)
    for name, wall in arena.every_wall():
        _wall(world, name, wall)
    for thing in arena.things:
        _thing(world, thing)
    sdf_robot.robot(world, arena.robot)
    indent(root)
    return f"{tostring(root, encoding='unicode')}\n", pictures(arena)


def _physics(world: Element) -> None:
    physics = add(world, "physics", name="physics", type="ignored")  # Gazebo's own engine
    add(physics, "max_step_size", TIMESTEP_S)
    add(physics, "real_time_factor", 1.0)
    add(world, "gravity", 0.0, 0.0, -GRAVITY_M_S2)
    for file, name in SYSTEMS.items():
        plugin = add(
            world,
            "plugin",
            filename=f"gz-sim-{file}-system",
            name=f"gz::sim::systems::{name}",
        )
        if file == "sensors":
            add(plugin, "render_engine", "ogre2")


def _light(world: Element, arena: Arena) -> None:
    scene = add(world, "scene")
    add(scene, "ambient", *[_ambient(arena.ambient)] * 3, 1.0)
    add(scene, "background", *SKY_RGB, 1.0)
    add(scene, "shadows", "true")
    add(scene, "grid", "false")
    for number, lamp in enumerate(arena.lamps):
        _lamp(world, f"lamp_{number}", lamp)


def _ambient(share: float) -> float:
    """Return ogre2's ambient light that leaves a shadow as dark as MuJoCo's.

    MuJoCo multiplies encoded colours, ogre2 linear ones; and ogre2 divides ambient light by pi,
    but not its lamps' (HlmsPbsDatablock::setDiffuse, Ogre2Light::SetIntensity). Above 1 Gazebo
    would take a colour for one of 255.
    """
    return min(math.pi * math.pow(share, 2.2), 1.0)


def _lamp(world: Element, name: str, lamp: Lamp) -> None:
    light = add(world, "light", name=name, type="spot")
    add(light, "pose", lamp.x_m, lamp.y_m, lamp.height_m, 0.0, 0.0, 0.0)
    add(light, "cast_shadows", "true")
    add(light, "diffuse", *lamp.rgb, 1.0)
    add(light, "specular", 0.1, 0.1, 0.1, 1.0)
    attenuation = add(light, "attenuation")  # none, as in MuJoCo
    add(attenuation, "range", FARTHEST_M)
    add(attenuation, "linear", 0.0)
    add(attenuation, "constant", 1.0)
    add(attenuation, "quadratic", 0.0)
    add(light, "direction", 0.0, 0.0, -1.0)
    spot = add(light, "spot")
    add(spot, "inner_angle", 0.0)
    add(spot, "outer_angle", 2.0 * LAMP_CUTOFF_RAD)
    add(spot, "falloff", 1.0)


def _floor(world: Element, arena: Arena) -> None:
    link = sdf_parts.still(world, "floor", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    shape = sdf_parts.plane(arena.length_m, arena.width_m)
    sdf_parts.body(link, "floor", shape, sdf_parts.picture("floor.png"), friction=FLOOR_FRICTION)


def _wall(world: Element, name: str, wall: Wall) -> None:
    at = wall.at
    link = sdf_parts.still(world, name, at.x_m, at.y_m, WALL_HEIGHT_M / 2, 0.0, 0.0, at.heading_rad)
    shape = sdf_parts.box(wall.length_m, WALL_THICKNESS_M, WALL_HEIGHT_M)
    sdf_parts.body(link, name, shape, sdf_parts.picture("wall.png"), friction=FRICTION)


def _thing(world: Element, thing: Thing) -> None:
    half_m, at = thing.size_m, thing.at
    link = sdf_parts.still(world, thing.label, at.x_m, at.y_m, half_m, 0.0, 0.0, at.heading_rad)
    shape = {
        "cube": sdf_parts.box(2 * half_m, 2 * half_m, 2 * half_m),
        "ball": sdf_parts.sphere(half_m),
        "cylinder": sdf_parts.cylinder(half_m, 2 * half_m),
    }[thing.shape]
    paint = sdf_parts.paint(thing.rgb)
    sdf_parts.body(link, thing.label, shape, paint, friction=FRICTION)
