# SPDX-License-Identifier: Apache-2.0
"""The robot of an arena as an SDF model: body, wheels, camera, drive; MuJoCo's own numbers."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

from coinfer_ros.sim.arena import inertia, sdf_parts
from coinfer_ros.sim.arena.arena import BODY_FRAME, CAMERA_FRAME, ODOMETRY_FRAME, Camera, Robot
from coinfer_ros.sim.arena.mjcf import FARTHEST_M, NEAREST_M
from coinfer_ros.sim.arena.mjcf_robot import (
    BODY_SHARE,
    CASTER_FRICTION,
    CASTER_MASS_KG,
    CASTER_RADIUS_M,
    CLEARANCE_M,
    ROBOT_RGB,
    WHEEL_DAMPING,
    WHEEL_FRICTION,
    WHEEL_TORQUE_NM,
    WHEEL_WIDTH_M,
)
from coinfer_ros.sim.arena.sdf_parts import add
from coinfer_ros.sim.arena.world import FASTEST_M_S, FASTEST_RAD_S

BODY_FRICTION = 1.0  # MuJoCo's own where none is said

MODEL = "robot"
SIDES = (("left", 1.0), ("right", -1.0))
# On Gazebo's side; config/gazebo/bridge.yaml takes them to ROS. The intrinsics come beside the
# image as camera_info.
IMAGE_TOPIC = f"/model/{MODEL}/image"
ODOMETRY_TOPIC = f"/model/{MODEL}/odometry"
COMMAND_TOPIC = f"/model/{MODEL}/cmd_vel"
ODOMETRY_HZ = 50.0


def robot(world: Element, what: Robot) -> None:
    """Add the robot at its start."""
    model = add(world, "model", name=MODEL)
    start = what.start
    add(model, "pose", start.x_m, start.y_m, 0.0, 0.0, 0.0, start.heading_rad)
    base = add(model, "link", name=BODY_FRAME)
    _base(base, what)
    _camera(base, what.camera)
    for side, sign in SIDES:
        _wheel(model, what, f"{side}_wheel", sign)
    _drive(model, what)


def _base(link: Element, what: Robot) -> None:
    length_m = what.height_m - CLEARANCE_M
    middle_m = (0.0, 0.0, CLEARANCE_M + length_m / 2)
    parts = [inertia.cylinder(BODY_SHARE * what.mass_kg, what.radius_m, length_m, at_m=middle_m)]
    paint = sdf_parts.paint(ROBOT_RGB)
    solids = [("body", sdf_parts.cylinder(what.radius_m, length_m), middle_m, BODY_FRICTION)]
    for name, sign in (("front", 1.0), ("back", -1.0)):
        at_m = (sign * (what.radius_m - CASTER_RADIUS_M), 0.0, CASTER_RADIUS_M)
        parts.append(inertia.ball(CASTER_MASS_KG, CASTER_RADIUS_M, at_m=at_m))
        ball = sdf_parts.sphere(CASTER_RADIUS_M)
        solids.append((f"caster_{name}", ball, at_m, CASTER_FRICTION))
    sdf_parts.weigh(link, inertia.joined(parts))
    for name, shape, at_m, friction in solids:
        pose = (*at_m, 0.0, 0.0, 0.0)
        sdf_parts.body(link, name, shape, paint, friction=friction, pose=pose)


def _wheel(model: Element, what: Robot, name: str, sign: float) -> None:
    link = add(model, "link", name=name)
    add(link, "pose", 0.0, sign * what.track_m / 2, what.wheel_radius_m, 0.0, 0.0, 0.0)
    mass_kg = (1.0 - BODY_SHARE) / 2 * what.mass_kg
    sdf_parts.weigh(link, inertia.cylinder(mass_kg, what.wheel_radius_m, WHEEL_WIDTH_M, axis=1))
    sdf_parts.body(
        link,
        "wheel",
        sdf_parts.cylinder(what.wheel_radius_m, WHEEL_WIDTH_M),
        sdf_parts.paint(ROBOT_RGB),
        friction=WHEEL_FRICTION,
        pose=(0.0, 0.0, 0.0, math.pi / 2, 0.0, 0.0),  # from along z to along y
    )
    joint = add(model, "joint", name=f"{name}_joint", type="continuous")
    add(joint, "parent", BODY_FRAME)
    add(joint, "child", name)
    axis = add(joint, "axis")
    add(axis, "xyz", 0.0, 1.0, 0.0)
    add(add(axis, "limit"), "effort", WHEEL_TORQUE_NM)
    add(add(axis, "dynamics"), "damping", WHEEL_DAMPING)


def _camera(link: Element, what: Camera) -> None:
    sensor = add(link, "sensor", name="camera", type="camera")
    # An SDF camera looks along its x, left is its y; turning about y takes x down.
    add(sensor, "pose", what.forward_m, 0.0, what.height_m, 0.0, what.pitch_rad, 0.0)
    add(sensor, "topic", IMAGE_TOPIC)
    add(sensor, "update_rate", what.rate_hz)
    add(sensor, "always_on", "true")
    camera = add(sensor, "camera")
    add(camera, "horizontal_fov", what.fov_rad)
    image = add(camera, "image")
    add(image, "width", what.width_px)
    add(image, "height", what.height_px)
    add(image, "format", "R8G8B8")
    clip = add(camera, "clip")
    add(clip, "near", NEAREST_M)
    add(clip, "far", FARTHEST_M)
    add(camera, "optical_frame_id", CAMERA_FRAME)


def _drive(model: Element, what: Robot) -> None:
    plugin = add(
        model,
        "plugin",
        filename="gz-sim-diff-drive-system",
        name="gz::sim::systems::DiffDrive",
    )
    for side, _ in SIDES:
        add(plugin, f"{side}_joint", f"{side}_wheel_joint")
    add(plugin, "wheel_separation", what.track_m)
    add(plugin, "wheel_radius", what.wheel_radius_m)
    for kind, most in (("linear", FASTEST_M_S), ("angular", FASTEST_RAD_S)):
        add(plugin, f"min_{kind}_velocity", -most)
        add(plugin, f"max_{kind}_velocity", most)
    add(plugin, "topic", COMMAND_TOPIC)
    add(plugin, "odom_topic", ODOMETRY_TOPIC)
    add(plugin, "odom_publish_frequency", ODOMETRY_HZ)
    add(plugin, "frame_id", ODOMETRY_FRAME)
    add(plugin, "child_frame_id", BODY_FRAME)
