# SPDX-License-Identifier: Apache-2.0
"""Start the whole system on this machine: both hosts' nodes."""

from coinfer_ros.graph import DEMO_ARGUMENTS, demo_graph
from coinfer_ros.nodes.launching import description


def generate_launch_description():
    """Return the graph as launch actions; `-s` lists its arguments."""
    return description(demo_graph, DEMO_ARGUMENTS)
