# SPDX-License-Identifier: Apache-2.0
"""Start the edge's host: the edge node and its device node."""

from coinfer_ros.graph import EDGE_ARGUMENTS, edge_graph
from coinfer_ros.nodes.launching import description


def generate_launch_description():
    """Return the graph as launch actions; `-s` lists its arguments."""
    return description(edge_graph, EDGE_ARGUMENTS)
