# SPDX-License-Identifier: Apache-2.0
"""Every parameter of every node, declared once: type, default, range, description, unit.

ROS parameters, the files in config/ and docs/parameters.md follow from these classes.
"""

from coinfer_ros.parameters.camera import CameraSettings
from coinfer_ros.parameters.common import DEFAULT_MODEL, image_px, names
from coinfer_ros.parameters.controller import ControllerSettings
from coinfer_ros.parameters.device import DeviceSettings
from coinfer_ros.parameters.edge import EdgeSettings
from coinfer_ros.parameters.impaired_link import ImpairedLinkSettings
from coinfer_ros.parameters.machine import BACKENDS, CLOCKS, METERS, MachineSettings
from coinfer_ros.parameters.recorder import RecorderSettings
from coinfer_ros.parameters.robot import RobotSettings
from coinfer_ros.parameters.seeker import SeekerSettings
from coinfer_ros.parameters.simulator import SimulatorSettings

__all__ = [
    "BACKENDS",
    "CLOCKS",
    "DEFAULT_MODEL",
    "METERS",
    "NODES",
    "CameraSettings",
    "ControllerSettings",
    "DeviceSettings",
    "EdgeSettings",
    "ImpairedLinkSettings",
    "MachineSettings",
    "RecorderSettings",
    "RobotSettings",
    "SeekerSettings",
    "SimulatorSettings",
    "image_px",
    "names",
]

NODES: dict[str, type] = {
    "camera": CameraSettings,
    "robot": RobotSettings,
    "edge": EdgeSettings,
    "device": DeviceSettings,
    "controller": ControllerSettings,
    "recorder": RecorderSettings,
    "simulator": SimulatorSettings,
    "seeker": SeekerSettings,
    "impaired_link": ImpairedLinkSettings,
}
