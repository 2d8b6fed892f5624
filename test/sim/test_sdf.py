# SPDX-License-Identifier: Apache-2.0
"""Gazebo's world is MuJoCo's: places, shapes, masses, friction, drive, lamps and paint."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.arena import inertia, sdf_robot
from coinfer_ros.sim.arena.drawing import random_arena
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics
from coinfer_ros.sim.arena.mjcf import TIMESTEP_S, mjcf
from coinfer_ros.sim.arena.mjcf_robot import WHEEL_TORQUE_NM
from coinfer_ros.sim.arena.sdf import GRAVITY_M_S2, sdf
from coinfer_ros.sim.arena.texture import texture

from .gazebo_world import (
    ASKEW,
    FIXED,
    Frame,
    bodies,
    camera_frame,
    each_arena,
    number,
    numbers,
    sdf_world,
    sizes,
)

# MuJoCo settles how it draws as it is imported, once a process; these tests need no drawing.
with contextlib.suppress(Unavailable):
    use_offscreen_graphics()
mujoco = pytest.importorskip("mujoco", reason="mujoco is not here: pip install .[simulation]")

SHAPES = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    "plane": mujoco.mjtGeom.mjGEOM_PLANE,
}

# Both files give nine digits of numbers up to 30 m, so places may differ by 5e-8 m; a tilted
# frame carries that over a metre.
ROUNDING = 1e-6


def worlds(arena):
    """Return the SDF world, and MuJoCo's model and data, placed."""
    model = mujoco.MjModel.from_xml_string(*mjcf(arena))
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return sdf_world(arena), model, data


def assert_same_bodies(arena):
    world, model, data = worlds(arena)
    kinds = {}
    for name, element, frame in bodies(world):
        kinds.setdefault(element.tag, []).append(name)
        geom = model.geom(name)
        [shape] = element.find("geometry")
        assert geom.type == SHAPES[shape.tag], name
        np.testing.assert_allclose(sizes(shape), mujoco_sizes(geom), atol=ROUNDING, err_msg=name)
        np.testing.assert_allclose(frame.place, data.geom(name).xpos, atol=ROUNDING, err_msg=name)
        turn = data.geom(name).xmat.reshape(3, 3)
        np.testing.assert_allclose(frame.turn.as_matrix(), turn, atol=ROUNDING, err_msg=name)
    every = sorted(model.geom(number).name for number in range(model.ngeom))
    assert sorted(kinds["collision"]) == sorted(kinds["visual"]) == every


def mujoco_sizes(geom):
    whole = 2 * np.array(geom.size)
    return {
        SHAPES["box"]: whole,
        SHAPES["plane"]: whole[:2],
        SHAPES["sphere"]: geom.size[:1],
        SHAPES["cylinder"]: (geom.size[0], whole[1]),
    }[mujoco.mjtGeom(geom.type[0])]


def assert_same_camera(arena):
    world, model, data = worlds(arena)
    place, axes = camera_frame(world)
    np.testing.assert_allclose(place, data.camera("camera").xpos, atol=ROUNDING)
    right, up, backward = data.camera("camera").xmat.reshape(3, 3).T
    np.testing.assert_allclose(axes, np.transpose([-backward, -right, up]), atol=ROUNDING)
    camera = next(world.iter("camera"))
    width, height = number(camera, "image/width"), number(camera, "image/height")
    vertical = 2 * math.atan(math.tan(number(camera, "horizontal_fov") / 2) * height / width)
    assert math.degrees(vertical) == pytest.approx(model.camera("camera").fovy[0])
    assert (width, height) == (model.vis.global_.offwidth, model.vis.global_.offheight)
    for part, share in (("near", model.vis.map.znear), ("far", model.vis.map.zfar)):
        assert number(camera, f"clip/{part}") == pytest.approx(share * model.stat.extent)


@each_arena
def test_every_shape_has_mujocos_place_and_size(arena):
    assert_same_bodies(arena)


@each_arena
def test_the_camera_has_mujocos_place_and_view(arena):
    assert_same_camera(arena)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_random_arenas_are_the_same_in_both(seed):
    arena = random_arena(np.random.default_rng(seed))
    assert_same_bodies(arena)
    assert_same_camera(arena)


@each_arena
def test_the_robot_has_mujocos_masses_and_inertias(arena):
    world, model, _ = worlds(arena)
    links = {link.get("name"): link for link in world.iter("link")}
    names = {
        sdf_robot.BODY_FRAME: "robot",
        "left_wheel": "left_wheel",
        "right_wheel": "right_wheel",
    }
    for name, body in names.items():
        inertial, whole = links[name].find("inertial"), model.body(body)
        assert number(inertial, "mass") == pytest.approx(whole.mass[0])
        centre = Frame(inertial)
        np.testing.assert_allclose(centre.place, whole.ipos, atol=ROUNDING)
        upper = {part.tag[1:]: float(part.text) for part in inertial.find("inertia")}
        tensor = np.array([[upper["".join(sorted(a + b))] for b in "xyz"] for a in "xyz"])
        assert np.all(np.linalg.eigvalsh(tensor) > 0.0)
        axes = Rotation.from_quat(np.roll(whole.iquat, -1)).as_matrix()
        theirs = axes @ np.diag(whole.inertia) @ axes.T
        np.testing.assert_allclose(tensor, theirs, rtol=1e-6, atol=1e-8 * np.trace(theirs))


def test_parts_that_are_joined_weigh_as_one_body_does():
    # Half a metre each, end on end, along the axis that is 1 in (x, y, z).
    halves = [inertia.cylinder(1.5, 0.2, 0.5, axis=1, at_m=(0, y, 3)) for y in (0.25, 0.75)]
    whole = inertia.cylinder(3.0, 0.2, 1.0, axis=1, at_m=(0, 0.5, 3))
    both = inertia.joined(halves)
    assert both.mass_kg == whole.mass_kg
    np.testing.assert_allclose(both.centre_m, whole.centre_m)
    np.testing.assert_allclose(both.tensor, whole.tensor, atol=1e-12)


def test_friction_and_the_drive_are_mujocos():
    world, model, _ = worlds(ASKEW)
    friction = {
        name: number(element, "surface/friction/ode/mu")
        for name, element, _ in bodies(world)
        if element.tag == "collision"
    }
    on_floor = {"left_wheel", "right_wheel", "caster_front", "caster_back"}
    for name in on_floor:
        geom, floor = model.geom(name), model.geom("floor")
        # The greater in MuJoCo, or that of the greater priority; the less in DART.
        theirs = geom.friction[0] if geom.priority else max(geom.friction[0], floor.friction[0])
        assert min(friction[name], friction["floor"]) == pytest.approx(theirs), name
    for name in friction.keys() - on_floor - {"floor"}:
        assert friction[name] == model.geom(name).friction[0], name
    for side in ("left", "right"):
        axis = world.find(f".//joint[@name='{side}_wheel_joint']/axis")
        joint = model.joint(f"{side}_wheel")
        assert number(axis, "dynamics/damping") == joint.damping[0]
        np.testing.assert_array_equal(numbers(axis.find("xyz")), joint.axis)
        assert number(axis, "limit/effort") == WHEEL_TORQUE_NM
    drive = world.find(".//plugin[@name='gz::sim::systems::DiffDrive']")
    assert number(drive, "wheel_separation") == ASKEW.robot.track_m
    assert number(drive, "wheel_radius") == ASKEW.robot.wheel_radius_m
    joints = {joint.get("name") for joint in world.iter("joint")}
    assert {drive.find("left_joint").text, drive.find("right_joint").text} == joints
    assert number(world, "physics/max_step_size") == model.opt.timestep == TIMESTEP_S
    assert numbers(world.find("gravity")) == [0.0, 0.0, -GRAVITY_M_S2] == list(model.opt.gravity)


def test_lamps_hang_and_shine_as_in_mujoco():
    for arena in FIXED:
        world, model, _ = worlds(arena)
        lights = list(world.iter("light"))
        assert len(lights) == model.nlight == len(arena.lamps)
        for lamp, light in enumerate(lights):
            theirs = model.light(lamp)
            np.testing.assert_allclose(Frame(light).place, theirs.pos, atol=ROUNDING)
            np.testing.assert_allclose(numbers(light.find("direction")), theirs.dir)
            np.testing.assert_allclose(
                numbers(light.find("diffuse"))[:3], theirs.diffuse, atol=1e-6
            )
            cone = number(light, "spot/outer_angle") / 2
            assert math.degrees(cone) == pytest.approx(theirs.cutoff[0])
            assert number(light, "spot/falloff") == theirs.exponent[0]


def test_paint_is_linear_as_gazebo_wants_it_and_pictures_are_srgb():
    world, (_, pictures) = sdf_world(ASKEW), sdf(ASKEW)
    [cube] = [model for model in world.iter("model") if model.get("name") == "red_cube"]
    paint = numbers(cube.find(".//diffuse"))
    np.testing.assert_allclose(paint[:3], ASKEW.thing("red cube").rgb, atol=1e-6)
    encoded = mujoco.MjModel.from_xml_string(*mjcf(ASKEW)).geom("red_cube").rgba[:3]
    np.testing.assert_allclose(np.array(paint[:3]) ** (1 / 2.2), encoded, atol=1e-6)
    named = {element.text for element in world.iter("albedo_map")}
    assert named == set(pictures) == {"floor.png", "wall.png"}
    cv2 = pytest.importorskip("cv2")
    wall = cv2.imdecode(np.frombuffer(pictures["wall.png"], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(wall[..., ::-1], texture(ASKEW.wall))
