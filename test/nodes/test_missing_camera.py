# SPDX-License-Identifier: Apache-2.0
"""A robot whose camera shows nothing says so."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image

from coinfer_ros.nodes import qos
from coinfer_ros.nodes.convert import rgb_to_image
from coinfer_ros.nodes.frames import SILENT_AFTER_S, Frames
from coinfer_ros.nodes.robot import RobotNode

pytestmark = pytest.mark.ros

IMAGE = rgb_to_image(np.zeros((64, 64, 3), np.uint8), stamp=Time(), frame_id="camera")


def test_silence_counts_from_the_newest_image_and_before_the_first_from_the_beginning():
    frames = Frames(count=1, span_s=1.0)
    assert frames.silence(time.monotonic()) == ""
    later_s = time.monotonic() + 2.0 * SILENT_AFTER_S
    assert frames.silence(later_s) == "no image since activation (10 s)"
    frames.put(IMAGE)
    assert frames.silence(time.monotonic()) == ""
    assert frames.silence(time.monotonic() + 2.0 * SILENT_AFTER_S) == "no image for 10 s"


def test_a_robot_without_images_warns_in_its_diagnostics_until_one_comes(graph):
    robot = graph.add(RobotNode, "robot", device__backend="none")
    assert robot.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert robot.trigger_activate() == TransitionCallbackReturn.SUCCESS
    graph.until(lambda: str(robot.diagnose()["warning"]).startswith("no image since activation"))
    images = robot.create_publisher(Image, "image", qos.SENSOR)
    graph.until(images.get_subscription_count)
    images.publish(IMAGE)
    graph.until(lambda: "no image" not in str(robot.diagnose()["warning"]))
