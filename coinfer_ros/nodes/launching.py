# SPDX-License-Identifier: Apache-2.0
"""The graph as launch_ros actions; imported by the files in launch/ alone.

``launch`` comes with a ROS installation and is not on PyPI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from coinfer_ros import locate, resources
from coinfer_ros.graph import Argument, NodeSpec
from launch import LaunchContext, LaunchDescription


def description(
    graph: Callable[[Mapping[str, str]], Sequence[NodeSpec]], arguments: Sequence[Argument]
) -> LaunchDescription:
    """Return a launch description that declares the arguments and starts the graph's nodes."""
    declared = [
        DeclareLaunchArgument(a.name, default_value=a.default, description=a.description)
        for a in arguments
    ]

    def start(context: LaunchContext, *_: Any) -> list[Node]:
        given = {a.name: LaunchConfiguration(a.name).perform(context) for a in arguments}
        return [_action(spec) for spec in graph(given)]

    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def _action(spec: NodeSpec) -> Node:
    return Node(
        package="coinfer_ros",
        executable=spec.executable,
        name=spec.name,
        namespace=spec.namespace,
        remappings=list(spec.remappings.items()),
        additional_env=locate.environment(spec.transport),
        # The file first: what the arguments say comes after and wins.
        parameters=[str(resources.path(spec.config)), dict(spec.parameters)],
        output="screen",
    )
