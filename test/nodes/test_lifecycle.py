# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a parameter is said in one line at configure, and nothing else stops."""

from __future__ import annotations

import math
import re
import shutil

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from coinfer_ros import locate
from coinfer_ros.nodes.camera import CameraNode
from coinfer_ros.nodes.controller import ControllerNode
from coinfer_ros.nodes.device import DeviceNode
from coinfer_ros.nodes.edge import EdgeNode
from coinfer_ros.nodes.robot import RobotNode
from coinfer_ros.parameters import DEFAULT_MODEL

pytestmark = pytest.mark.ros

BOARD = """
clock_steps_hz: {value: [1.0e9], source: s}
default_clock_hz: {value: 1.0e9, source: s}
flop_per_cycle: {value: 32, source: s}
power_coefficient: {value: 1.0e-27, source: s}
pue: {value: 1, source: s}
idle_power_w: {value: -1, source: s}
transition_s: {value: 0, source: s}
sensor_period_s: {value: 0.001, source: s}
energy_resolution_j: {value: 0.001, source: s}
"""


@pytest.mark.parametrize(
    ("kind", "name", "value", "reason"),
    [
        (RobotNode, "model.path", "/none", "model.path must be"),
        (EdgeNode, "model.path", "{tmp}/empty", "model.path must hold config.json, got none"),
        (EdgeNode, "model.path", "{tmp}/pickle", "safetensors"),
        (RobotNode, "model.path", "{tmp}/broken", "model.path must"),
        (
            RobotNode,
            "split.cut",
            "block9",
            r"split\.cut must be empty or one of block1, .*'block9'",
        ),
        (EdgeNode, "split.cut", "block9", r"split\.cut must be empty or one of block1, .*'block9'"),
        (RobotNode, "quant.kernel", "int3", "kernel must be one of auto, .*got 'int3'"),
        (RobotNode, "quant.kernel", "int4", "kernel must hold 16 bits, .*got 'int4' with 4"),
        (RobotNode, "model.device", "moon", "model.device must be one of auto, cpu, cuda"),
        (EdgeNode, "model.precision", "float8", "model.precision must be one of float32, "),
        (RobotNode, "model.image_width", 64, "model.image_height must both be given or both be 0"),
        (RobotNode, "robot.id", "", "robot.id must not be empty, got ''"),
        (RobotNode, "quant.weight_bits", 9, "quant.weight_bits must be one of"),
        (CameraNode, "camera.source", "{tmp}/text.mp4", "camera.source must be"),
        (CameraNode, "camera.source", "/none.mp4", "no such file"),
        (CameraNode, "camera.source", "{tmp}/pictures", "camera.source must hold images"),
        (EdgeNode, "model.path", "{tmp}/half", "model.path must"),
        (CameraNode, "camera.source", 7, "camera.source must be text of .*, got 7"),
        (DeviceNode, "board.file", "{tmp}/board.yaml", "idle_power_w must be .* got -1"),
        (DeviceNode, "board.file", "pocket_calculator", "one of jetson_agx_orin"),
        (DeviceNode, "device.role", "moon", "device.role must be one of robot, edge, got 'moon'"),
        (ControllerNode, "budget.delay_s", 0.0, r"must be in \[0.001, 60.0\], got 0.0"),
        (ControllerNode, "budget.delay_s", math.nan, "got nan"),
        (ControllerNode, "budget.energy_j", -1.0, "budget.energy_j must be in"),
        (ControllerNode, "robot.board_file", "{tmp}/board.yaml", "idle_power_w"),
        (ControllerNode, "budget.dely_s", 0.2, "unknown setting 'budget.dely_s'"),
    ],
)
def test_bad_input_is_refused_at_configure_with_a_line_that_says_why(
    graph, tmp_path, capfd, kind, name, value, reason
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "pickle").mkdir()
    (tmp_path / "pickle" / "config.json").write_text('{"model_type": "git"}')
    (tmp_path / "pickle" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_text("no picture")
    shutil.copytree(locate.model(DEFAULT_MODEL), tmp_path / "half")
    (tmp_path / "half" / "tokenizer.json").write_text("{")
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "board.yaml").write_text(BOARD)
    value = value.format(tmp=tmp_path) if isinstance(value, str) else value
    node = graph.add(kind, "subject", **{name.replace(".", "__"): value})
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    [line] = [line for line in capfd.readouterr().err.splitlines() if "refused" in line]
    assert re.search(reason, line), line


def test_a_refused_node_configures_once_the_parameter_is_mended(graph):
    node = graph.add(DeviceNode, "subject", board__file="pocket_calculator")
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    node.set_parameters([Parameter("board.file", value="paper_robot")])
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf, -0.2, "soon", 61.0])
def test_a_bad_budget_is_refused_while_running_and_the_old_one_stays(graph, value):
    node = graph.add(ControllerNode, "controller")
    node.autostart()
    [result] = node.set_parameters([Parameter("budget.delay_s", value=value)])
    assert not result.successful
    assert "budget.delay_s must be in [0.001, 60.0], got" in result.reason
    assert node.settings.delay_s == 0.35


def test_a_good_budget_is_taken_at_once_and_a_whole_number_will_do(graph):
    node = graph.add(ControllerNode, "controller")
    node.autostart()
    assert node.set_parameters([Parameter("budget.delay_s", value=1)])[0].successful
    assert node.settings.delay_s == 1.0


def test_what_is_fixed_is_refused_while_configured_with_the_way_out(graph):
    node = graph.add(ControllerNode, "controller")
    node.autostart()
    [result] = node.set_parameters([Parameter("robot.board_file", value="paper_robot")])
    assert not result.successful
    assert "ros2 lifecycle set /controller cleanup" in result.reason
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.set_parameters([Parameter("robot.board_file", value="paper_robot")])[0].successful


def test_a_node_goes_round_its_whole_life_twice(graph):
    node = graph.add(DeviceNode, "subject", autostart=False)
    for _ in range(2):
        for step in ("configure", "activate", "deactivate", "cleanup"):
            assert getattr(node, f"trigger_{step}")() == TransitionCallbackReturn.SUCCESS
