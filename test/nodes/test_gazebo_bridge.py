# SPDX-License-Identifier: Apache-2.0
"""The nodes hear and say what Gazebo's bridge carries, by name, type and QoS."""

from __future__ import annotations

import importlib

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

import yaml
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from coinfer_ros import resources
from coinfer_ros.nodes.odometry import odometry_to_message
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.nodes.seeker import SeekerNode
from coinfer_ros.sim.arena.arena import CAMERA_FRAME, Pose
from coinfer_ros.sim.arena.sdf import sdf
from coinfer_ros.sim.arena.shipped import ONE_ROOM

pytestmark = pytest.mark.ros

BRIDGE = yaml.safe_load(resources.path("config/gazebo/bridge.yaml").read_text(encoding="utf-8"))
KINDS = {entry["ros_topic_name"]: entry["ros_type_name"] for entry in BRIDGE}


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_message_of_the_bridge_is_known_here(kind):
    package, _, name = kind.split("/")
    assert hasattr(importlib.import_module(f"{package}.msg"), name)


def test_each_topic_of_the_bridge_meets_a_node_that_understands_it(graph, tmp_path):
    robot = graph.add(
        RobotNode, "robot", board__state_dir=str(tmp_path / "boards"), use_sim_time=True
    )
    seeker = graph.add(SeekerNode, "seeker", use_sim_time=True)
    assert robot.autostart()
    assert seeker.autostart()

    def ends(ask, topic):
        return graph.until(lambda: ask(topic))

    read = {
        topic: ends(seeker.get_subscriptions_info_by_topic, topic)
        for topic in ("image", "odom", "/clock")
    }
    said = {"cmd_vel": ends(seeker.get_publishers_info_by_topic, "cmd_vel")}
    for topic, found in (read | said).items():
        assert {end.topic_type for end in found} == {KINDS[topic]}, topic
    assert {end.node_name for end in read["image"]} == {"robot"}
    assert {end.node_name for end in read["/clock"]} == {"robot", "seeker"}
    assert {end.node_name for end in read["odom"]} == {"seeker"}
    # The bridge publishes reliably and for those who are there; it reads reliably.
    for found in read.values():
        assert {end.qos_profile.durability for end in found} == {DurabilityPolicy.VOLATILE}
    [command] = said["cmd_vel"]
    assert command.qos_profile.reliability == ReliabilityPolicy.RELIABLE
    assert read.keys() | said.keys() | {"camera_info"} == KINDS.keys()


def test_frames_are_those_of_the_simulated_room():
    message = odometry_to_message(Pose(0.0, 0.0), (0.0, 0.0))
    world, _ = sdf(ONE_ROOM)
    for tag, frame in (
        ("frame_id", message.header.frame_id),
        ("child_frame_id", message.child_frame_id),
        ("optical_frame_id", CAMERA_FRAME),
    ):
        assert f"<{tag}>{frame}</{tag}>" in world
