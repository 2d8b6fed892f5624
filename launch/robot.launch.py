# SPDX-License-Identifier: Apache-2.0
"""Start the robot's host: camera, robot, its device node and the controller."""

from coinfer_ros.graph import ROBOT_ARGUMENTS, robot_graph
from coinfer_ros.nodes.launching import description


def generate_launch_description():
    """Return the graph as launch actions; `-s` lists its arguments."""
    return description(robot_graph, ROBOT_ARGUMENTS)
