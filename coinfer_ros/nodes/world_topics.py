# SPDX-License-Identifier: Apache-2.0
"""Publishes what happens in a simulated world, under the names that Gazebo's bridge uses."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from nav_msgs.msg import Odometry
from rclpy.node import Node
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image

from coinfer_ros.nodes import qos
from coinfer_ros.nodes.convert import rgb_to_image
from coinfer_ros.nodes.odometry import odometry_to_message
from coinfer_ros.sim.arena.arena import CAMERA_FRAME, Camera, Pose
from coinfer_ros.sim.arena.world import Image as Pixels


class WorldTopics:
    """The topics of one robot in a world: ``image``, ``camera_info``, ``odom`` and ``/clock``.

    :param camera: of every arena that follows; theirs are all alike.
    :param held: takes the publishers back.
    """

    def __init__(self, node: Node, camera: Camera, held: ExitStack) -> None:
        def publisher(kind: type, topic: str, profile: Any) -> Any:
            made = node.create_publisher(kind, topic, profile)
            held.callback(node.destroy_publisher, made)
            return made

        # Nav2 and rviz want odometry reliable; images are as the camera node's.
        self._clock = publisher(Clock, "/clock", qos.MOTION)
        self._odom = publisher(Odometry, "odom", qos.MOTION)
        self._images = publisher(Image, "image", qos.SENSOR)
        self._infos = publisher(CameraInfo, "camera_info", qos.MOTION)
        self._info = camera_info(camera)

    def clock(self, time_ns: int) -> None:
        """Publish the simulated time."""
        self._clock.publish(Clock(clock=_stamp(time_ns)))

    def odometry(self, time_ns: int, pose: Pose, speed: tuple[float, float]) -> None:
        """Publish what the wheels say."""
        message = odometry_to_message(pose, speed)
        message.header.stamp = _stamp(time_ns)
        self._odom.publish(message)

    def image(self, time_ns: int, pixels: Pixels) -> None:
        """Publish what the camera sees, and what camera it is."""
        image = rgb_to_image(pixels, stamp=_stamp(time_ns), frame_id=CAMERA_FRAME)
        self._info.header = image.header
        self._infos.publish(self._info)
        self._images.publish(image)


def camera_info(camera: Camera) -> CameraInfo:
    """Return what a camera without distortion is, header unset.

    The middle is OpenCV's, whose pixels' centres are whole numbers: half a pixel less than half
    the image.
    """
    f = camera.focal_px
    x, y = (camera.width_px - 1) / 2, (camera.height_px - 1) / 2
    return CameraInfo(
        width=camera.width_px,
        height=camera.height_px,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[f, 0.0, x, 0.0, f, y, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[f, 0.0, x, 0.0, 0.0, f, y, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def _stamp(time_ns: int) -> Any:
    return Time(nanoseconds=time_ns).to_msg()
