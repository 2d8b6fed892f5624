# SPDX-License-Identifier: Apache-2.0
"""Start a simulated room, both hosts' nodes and the seeker that drives the robot in it."""

from coinfer_ros.nodes.launching import description
from coinfer_ros.simulation_graph import SIMULATION_ARGUMENTS, simulation_graph


def generate_launch_description():
    """Return the graph as launch actions; `-s` lists its arguments."""
    return description(simulation_graph, SIMULATION_ARGUMENTS)
