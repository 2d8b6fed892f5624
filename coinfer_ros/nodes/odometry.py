# SPDX-License-Identifier: Apache-2.0
"""Odometry as messages, and back.

Not in ``convert``: these messages are needed where a robot drives, and by no other node.
"""

from __future__ import annotations

import math

from geometry_msgs.msg import Quaternion
from nav_msgs.msg import Odometry

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import BODY_FRAME, ODOMETRY_FRAME, Pose


def odometry_to_message(pose: Pose, speed: tuple[float, float]) -> Odometry:
    """Return a message without its stamp.

    :param speed: forward, m/s, and turning, rad/s.
    """
    message = Odometry(child_frame_id=BODY_FRAME)
    message.header.frame_id = ODOMETRY_FRAME
    message.pose.pose.position.x, message.pose.pose.position.y = pose.x_m, pose.y_m
    half_rad = pose.heading_rad / 2
    message.pose.pose.orientation = Quaternion(z=math.sin(half_rad), w=math.cos(half_rad))
    message.twist.twist.linear.x, message.twist.twist.angular.z = speed
    return message


def message_to_pose(message: Odometry) -> Pose:
    """Return where a robot on a floor is.

    :raises InvalidInput: when a figure is not finite, or there is no direction.
    """
    place, turned = message.pose.pose.position, message.pose.pose.orientation
    x, y, z, w = turned.x, turned.y, turned.z, turned.w
    if not x * x + y * y + z * z + w * w > 0.0:
        raise InvalidInput(f"orientation must be a quaternion other than 0, got {x, y, z, w}")
    heading_rad = math.atan2(2.0 * (w * z + x * y), w * w + x * x - y * y - z * z)
    return Pose(place.x, place.y, heading_rad)
