# SPDX-License-Identifier: Apache-2.0
"""Which nodes run on which host, with which parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from coinfer_ros import graph
from coinfer_ros.graph import NodeSpec, Value

RECORDER = NodeSpec("recorder", "recorder")
_GRAPHS = {
    "robot": (graph.robot_graph, graph.ROBOT_ARGUMENTS),
    "edge": (graph.edge_graph, graph.EDGE_ARGUMENTS),
}
_ON_A_BOARD = ("robot", "edge", "device")


def specs(
    given: Mapping[str, str], boards: Path, parameters: Mapping[str, Mapping[str, Value]]
) -> dict[str, dict[str, NodeSpec]]:
    """Return the nodes of ``robot`` and ``edge`` by name.

    :param given: arguments of the two graphs by name, as text.
    :param boards: each host has a folder in it for its simulated board.
    :param parameters: by node name: what differs from the graph's.
    :raises InvalidInput: for an argument that neither graph knows.
    """
    graph.demo_graph(given)  # refuses it
    return {
        host: {
            spec.name: replace(
                spec,
                parameters={
                    **spec.parameters,
                    **_board(spec, boards / host),
                    **parameters.get(spec.name, {}),
                },
            )
            for spec in nodes({a.name: given[a.name] for a in arguments if a.name in given})
        }
        for host, (nodes, arguments) in _GRAPHS.items()
    }


def _board(spec: NodeSpec, folder: Path) -> dict[str, Value]:
    return {"board.state_dir": str(folder)} if spec.executable in _ON_A_BOARD else {}
