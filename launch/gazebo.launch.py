# SPDX-License-Identifier: Apache-2.0
"""Start a world in Gazebo, its bridge to ROS, both hosts' nodes and the seeker that drives."""

from launch.actions import IncludeLaunchDescription, LogInfo, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from coinfer_ros.nodes.launching import description
from coinfer_ros.simulation_graph import GAZEBO_ARGUMENTS, gazebo, gazebo_graph
from launch import LaunchDescription


def generate_launch_description():
    """Return all as launch actions; `-s` lists its arguments."""
    *arguments, nodes = description(gazebo_graph, GAZEBO_ARGUMENTS).entities
    # A world is refused before anything runs: launch leaves behind what it started before an error.
    check, world = OpaqueFunction(function=_check), OpaqueFunction(function=_world)
    return LaunchDescription([*arguments, check, nodes, world])


def _gazebo(context):
    given = {a.name: LaunchConfiguration(a.name).perform(context) for a in GAZEBO_ARGUMENTS}
    return gazebo(given)


def _check(context, *_):
    warning = _gazebo(context).warning
    return [LogInfo(msg=f"[WARNING] {warning}")] if warning else []


def _world(context, *_):
    simulated = _gazebo(context)
    return [
        IncludeLaunchDescription(
            PathJoinSubstitution([FindPackageShare("ros_gz_sim"), "launch", "gz_sim.launch.py"]),
            launch_arguments={
                "gz_args": simulated.arguments,
                "on_exit_shutdown": "true",
            }.items(),
        ),
        Node(
            package="ros_gz_bridge",
            executable="parameter_bridge",
            name="gazebo_bridge",
            namespace=simulated.namespace,
            parameters=[{"config_file": str(simulated.bridge)}],
            output="screen",
        ),
    ]
