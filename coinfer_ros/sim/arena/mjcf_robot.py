# SPDX-License-Identifier: Apache-2.0
"""The robot of an arena in MJCF: body, wheels, camera, drive."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element, SubElement

from coinfer_ros.sim.arena.arena import Camera, Robot
from coinfer_ros.sim.arena.mjcf_text import rgba, text
from coinfer_ros.sim.scene import Rgb

WHEEL_GAIN = 2.0  # torque for each rad/s that a wheel is too slow, N m s/rad
WHEEL_TORQUE_NM = 0.4  # 3 m/s2: its wheels do not slip
CASTER_RADIUS_M = 0.02
WHEEL_WIDTH_M = 0.03
CLEARANCE_M = 0.03  # under the body
BODY_SHARE = 0.8  # of the mass; the wheels have the rest
CASTER_MASS_KG = 0.01
WHEEL_FRICTION, CASTER_FRICTION = 1.2, 0.001  # the casters slide
WHEEL_DAMPING = 0.01  # N m s/rad
ROBOT_RGB: Rgb = (0.08, 0.08, 0.09)


def robot(root: Element, world: Element, what: Robot) -> None:
    """Put the robot into the world, and what drives its wheels into the model.

    :param root: the model.
    :param world: its world's body.
    """
    place = text(what.start.x_m, what.start.y_m, 0.0)
    turned = text(0.0, 0.0, what.start.heading_rad)
    body = SubElement(world, "body", name="robot", pos=place, euler=turned)
    SubElement(body, "freejoint", name="robot")
    _shell(body, what)
    drives = SubElement(root, "actuator")
    for name, sign in (("left_wheel", 1.0), ("right_wheel", -1.0)):
        _wheel(body, name, sign * what.track_m / 2, what)
        torque = text(-WHEEL_TORQUE_NM, WHEEL_TORQUE_NM)
        gain = text(WHEEL_GAIN)
        SubElement(drives, "velocity", name=name, joint=name, kv=gain, forcerange=torque)
    _camera(body, what.camera)


def _shell(body: Element, what: Robot) -> None:
    """Add the round body and the two casters that it slides on."""
    half_m = (what.height_m - CLEARANCE_M) / 2
    SubElement(
        body,
        "geom",
        name="robot",
        type="cylinder",
        pos=text(0.0, 0.0, CLEARANCE_M + half_m),
        size=text(what.radius_m, half_m),
        mass=text(BODY_SHARE * what.mass_kg),
        rgba=rgba(ROBOT_RGB),
    )
    for name, sign in (("front", 1.0), ("back", -1.0)):
        SubElement(
            body,
            "geom",
            name=f"caster_{name}",
            type="sphere",
            pos=text(sign * (what.radius_m - CASTER_RADIUS_M), 0.0, CASTER_RADIUS_M),
            size=text(CASTER_RADIUS_M),
            mass=text(CASTER_MASS_KG),
            friction=text(*[CASTER_FRICTION] * 3),
            priority="1",  # its friction alone counts: it slides
            rgba=rgba(ROBOT_RGB),
        )


def _wheel(body: Element, name: str, y_m: float, what: Robot) -> None:
    wheel = SubElement(body, "body", name=name, pos=text(0.0, y_m, what.wheel_radius_m))
    damping = text(WHEEL_DAMPING)
    SubElement(wheel, "joint", name=name, type="hinge", axis="0 1 0", damping=damping)
    SubElement(
        wheel,
        "geom",
        name=name,
        type="cylinder",
        euler=text(math.pi / 2, 0.0, 0.0),
        size=text(what.wheel_radius_m, WHEEL_WIDTH_M / 2),
        mass=text((1 - BODY_SHARE) / 2 * what.mass_kg),
        friction=text(WHEEL_FRICTION, 0.005, 0.0001),
        rgba=rgba(ROBOT_RGB),
    )


def _camera(body: Element, camera: Camera) -> None:
    down = camera.pitch_rad
    SubElement(
        body,
        "camera",
        name="camera",
        pos=text(camera.forward_m, 0.0, camera.height_m),
        # Its image's right and up: it looks along what is left of the three.
        xyaxes=text(0.0, -1.0, 0.0, math.sin(down), 0.0, math.cos(down)),
        # In degrees, whatever the compiler says.
        fovy=text(math.degrees(camera.fov_vertical_rad)),
    )
