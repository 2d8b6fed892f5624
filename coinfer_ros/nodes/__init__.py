# SPDX-License-Identifier: Apache-2.0
"""ROS 2 lifecycle nodes: the only importers of rclpy and of the messages."""
