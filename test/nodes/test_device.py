# SPDX-License-Identifier: Apache-2.0
"""The device node on real drivers: it sets, verifies and gives back, whatever happens."""

from __future__ import annotations

import contextlib
import math
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.msg import DeviceState, Plan
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from coinfer_ros.adapters.devices.power.battery import BatterySensor
from coinfer_ros.adapters.devices.power.record import record
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.controller import ControllerNode
from coinfer_ros.nodes.device import DeviceNode
from coinfer_ros.nodes.edge import EdgeNode

from ..adapters.devices.fake_nvml import FakeNvml
from .listener import Listener

DEVICES = Path(__file__).parents[1] / "adapters/devices"
clock_trees = SimpleNamespace(**runpy.run_path(str(DEVICES / "clock_trees.py")))
trees = SimpleNamespace(**runpy.run_path(str(DEVICES / "trees.py")))
LEASE_S = 30.0


class Rig:
    """One device node, what it says, and a hand that sends it plans."""

    def __init__(self, graph, tmp_path, **parameters):
        self.graph = graph
        self.options = {
            "device__role": "edge",
            "board__file": "rtx_3090",
            "clock__state_dir": str(tmp_path / "state"),
            "clock__settle_s": 0.2,
            "state__rate_hz": 20.0,
            **parameters,
        }
        (tmp_path / "state").mkdir(exist_ok=True)
        self.node = self.start("edge_device")
        self.states = Listener(self.node, DeviceState, "edge_device/state", qos.SENSOR)
        self.plans = self.node.create_publisher(Plan, "/edge/plan", qos.PLAN)

    def start(self, name):
        node = self.graph.add(DeviceNode, name, **self.options)
        node.autostart()
        return node

    def plan(self, clock_hz, plan_id=1, lease_s=LEASE_S):
        self.plans.publish(Plan(plan_id=plan_id, edge_ask_hz=clock_hz, lease_s=lease_s))

    def state(self, condition):
        def met():
            last = self.states.last
            return last if last is not None and condition(last) else None

        return self.graph.until(met)


@pytest.fixture
def nvml(tmp_path):
    with FakeNvml(tmp_path) as fake:
        fake.change(load=0.5)
        yield fake


@pytest.fixture
def gpu(nvml, graph, tmp_path):  # noqa: ARG001
    return Rig(graph, tmp_path, device__backend="nvml")


def test_a_gpus_clock_is_set_read_back_and_given_back_when_the_lease_ends(gpu, nvml):
    gpu.plan(1.0e9, lease_s=0.5)
    state = gpu.state(lambda s: s.applied)
    assert nvml.gpu().locked_mhz == 1005
    assert (state.requested_clock_hz, state.clock_hz) == (1.005e9, 1.005e9)
    assert (state.plan_id, state.message, state.throttle) == (1, "", "")
    state = gpu.state(lambda s: s.plan_id == 0)
    assert nvml.gpu().locked_mhz == 0
    assert math.isnan(state.requested_clock_hz)
    assert "plan 1 ended" in state.message


def test_what_a_state_says_is_what_the_driver_says(gpu, nvml):
    state = gpu.state(lambda s: s.power_w > 0.0 and s.load > 0.0)
    assert (state.source, state.simulated, state.device) == ("nvml", False, "edge")
    assert "H100" in state.covers
    assert state.power_w == pytest.approx(nvml.power_w(), rel=0.2)
    assert state.temperature_c == 35.0
    assert state.default_clock_hz == 1.98e9
    assert state.energy_resolution_j == 1e-3
    assert state.rails
    assert not state.applied


def test_a_clock_that_the_driver_holds_down_is_not_applied_and_says_why(gpu, nvml):
    nvml.change(cap_mhz=900, reasons=0x4)  # nvmlClocksEventReasonSwPowerCap
    gpu.plan(1.5e9)
    state = gpu.state(lambda s: s.plan_id == 1 and s.message)
    assert not state.applied
    assert "900 MHz and not 1500" in state.message
    assert "power" in state.throttle
    nvml.change(cap_mhz=0, reasons=0)
    assert gpu.state(lambda s: s.applied).message == ""


def test_a_table_that_ends_below_the_plan_is_told(nvml, graph, tmp_path):
    nvml.change(steps=30, boost_mhz=780)  # 345 to 780 MHz
    rig = Rig(graph, tmp_path, device__backend="nvml")
    rig.plan(1.5e9)
    state = rig.state(lambda s: s.plan_id == 1 and s.requested_clock_hz > 0.0 and s.message)
    assert state.message == "the nearest step is 780 MHz and not 1500"
    assert not state.applied


def test_a_clock_that_something_else_has_reset_is_set_again(gpu, nvml):
    gpu.plan(1.0e9)
    gpu.state(lambda s: s.applied)
    nvml.change(locked_mhz=0)  # as another tool does
    gpu.state(lambda s: s.message)
    state = gpu.state(lambda s: s.applied)
    assert nvml.gpu().locked_mhz == 1005
    assert state.clock_hz == 1.005e9


def test_without_permission_it_monitors_and_names_the_command_that_permits(gpu, nvml):
    nvml.world.permitted = 0
    gpu.plan(1.0e9)
    state = gpu.state(lambda s: s.plan_id == 1 and s.message)
    assert not state.applied
    assert math.isnan(state.requested_clock_hz)
    assert "permit.sh" in state.message
    assert state.power_w > 0.0
    nvml.world.permitted = 1
    assert gpu.state(lambda s: s.applied).clock_hz == 1.005e9


def test_a_gpu_that_falls_off_the_bus_is_unknown_and_taken_up_again(gpu, nvml):
    diagnostics = Listener(gpu.node, DiagnosticArray, "/diagnostics", 10)
    gpu.plan(1.0e9)
    gpu.state(lambda s: s.applied)
    nvml.lose()
    state = gpu.state(lambda s: math.isnan(s.power_w) and math.isnan(s.clock_hz))
    assert math.isnan(state.energy_j)
    assert not state.rails, "what was read last does not stand for now"
    assert not state.applied
    assert "fallen off the bus" in state.message
    assert state.faults > 0

    def told():
        values = {v.key: v.value for m in diagnostics.messages for v in m.status[0].values}
        return "not readable" in values.get("left_out", "")

    gpu.graph.until(told)
    nvml.give_back()
    gpu.state(lambda s: s.power_w > 0.0 and s.clock_hz > 0.0)


def test_a_second_owner_of_the_clock_does_not_start(gpu):
    second = gpu.start("second_device")
    assert not second.is_active
    gpu.graph.remove(gpu.node)
    assert second.trigger_activate().name == "SUCCESS"


def test_an_end_of_the_node_gives_the_clock_back(gpu, nvml):
    gpu.plan(1.0e9)
    gpu.state(lambda s: s.applied)
    gpu.node.trigger_deactivate()
    assert nvml.gpu().locked_mhz == 0


PROGRAM = """
import sys
from coinfer_ros.nodes.device import main
sys.exit(main())
"""


@contextlib.contextmanager
def node_process(nvml, graph, tmp_path):
    """A device node in a process of its own that has set a clock."""
    rig = Rig(graph, tmp_path, device__backend="nvml")
    graph.remove(rig.node)  # its place is taken
    listener = graph.add(DeviceNode, "listener", autostart=False)
    states = Listener(listener, DeviceState, "edge_device/state", qos.SENSOR)
    plans = listener.create_publisher(Plan, "/edge/plan", qos.PLAN)
    words = ["--ros-args", "-r", "__node:=edge_device"]
    for name, value in rig.options.items():
        words += ["-p", f"{name.replace('__', '.')}:={value}"]
    command = [sys.executable, "-c", PROGRAM, *words]
    child = subprocess.Popen(command, env=nvml.environment(), cwd=tmp_path)
    try:
        plans.publish(Plan(plan_id=1, edge_ask_hz=1.0e9, lease_s=LEASE_S))
        graph.until(lambda: states.last is not None and states.last.applied)
        yield child
    finally:
        child.kill()
        child.wait()


def test_what_a_killed_node_left_is_given_back_at_the_next_start(nvml, graph, tmp_path):
    with node_process(nvml, graph, tmp_path):
        pass
    assert nvml.gpu().locked_mhz == 1005
    again = Rig(graph, tmp_path, device__backend="nvml").node
    assert again.is_active
    assert nvml.gpu().locked_mhz == 0
    assert "ended without giving back" in again._machine.note


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_node_that_is_ended_from_outside_gives_the_clock_back(nvml, graph, tmp_path, number):
    with node_process(nvml, graph, tmp_path) as child:
        assert nvml.gpu().locked_mhz == 1005
        child.send_signal(number)
        child.wait(20.0)
        assert nvml.gpu().locked_mhz == 0


def test_a_refused_node_says_so_on_diagnostics_and_ends_where_that_is_wanted(nvml, graph, tmp_path):
    rig = Rig(graph, tmp_path, device__backend="nvml", device__gpu=7)
    assert not rig.node.is_active
    diagnostics = Listener(rig.node, DiagnosticArray, "/diagnostics", 10)
    status = graph.until(lambda: diagnostics.last and diagnostics.last.status[0])
    assert status.level == DiagnosticStatus.ERROR
    assert "index must be one of 0, got 7" in status.message
    words = ["--ros-args", "-p", "device.backend:=nvml", "-p", "device.gpu:=7"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "-p", "exit_on_refusal:=true"],
        env=nvml.environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "got 7" in done.stderr


def test_an_edge_that_may_not_read_its_meter_says_so(nvml, graph):
    nvml.world.init_error = 4  # NVML_ERROR_NO_PERMISSION
    node = graph.add(EdgeNode, "edge", device__backend="nvml")
    diagnostics = Listener(node, DiagnosticArray, "/diagnostics", 10)
    node.autostart()
    assert node.is_active
    told = graph.until(
        lambda: next((m for m in diagnostics.messages if "permit.sh" in m.status[0].message), None)
    )
    assert told.status[0].level == DiagnosticStatus.WARN


def test_a_machine_without_meter_and_clock_is_told_and_its_figures_are_unknown(graph, tmp_path):
    rig = Rig(graph, tmp_path, device__backend="none")
    assert rig.node.is_active
    rig.plan(1.0e9)
    state = rig.state(lambda s: s.plan_id == 1 and s.message)
    assert state.message == "this machine has no clock that plans can set (device.clock)"
    assert (state.source, state.board, list(state.rails)) == ("none", "", [])
    figures = (state.power_w, state.energy_j, state.clock_hz, state.requested_clock_hz, state.load)
    assert all(math.isnan(figure) for figure in figures)
    assert not state.applied


def test_replayed_power_never_looks_like_this_machines(graph, tmp_path):
    trees.battery(tmp_path)
    trace = tmp_path / "trace.jsonl"
    record(BatterySensor(tmp_path), trace, count=3, wait=lambda _: None)
    rig = Rig(
        graph,
        tmp_path,
        device__backend="none",
        device__meter="replay",
        device__trace=str(trace),
    )
    state = rig.state(lambda s: s.power_w > 0.0)
    assert state.power_w == pytest.approx(9.5)
    assert (state.source, state.simulated) == ("replay", True)


@pytest.fixture
def jetson(graph, tmp_path):
    root = tmp_path / "root"
    trees.jetson_orin(root)
    clock_trees.orin_gpu(root)
    return Rig(
        graph,
        tmp_path,
        device__backend="jetson",
        device__root=str(root),
        board__file="jetson_agx_orin",
    )


def test_a_jetsons_gpu_is_held_at_a_step_of_its_own_table_and_given_back(jetson, tmp_path):
    before = clock_trees.limits(tmp_path / "root")
    jetson.plan(6.0e8)
    state = jetson.state(lambda s: s.plan_id == 1 and s.requested_clock_hz > 0.0)
    assert state.requested_clock_hz == 612e6
    after = clock_trees.limits(tmp_path / "root")
    assert set(after.values()) >= {"612000000"}
    assert state.power_w == pytest.approx(12.4, rel=0.01) or math.isnan(state.power_w)
    assert set(state.rails) >= {"VDD_GPU_SOC", "VDD_CPU_CV"}
    jetson.node.trigger_deactivate()
    assert clock_trees.limits(tmp_path / "root") == before


def test_the_controller_plans_with_what_was_achieved(nvml, graph, tmp_path):
    rig = Rig(graph, tmp_path, device__backend="nvml")
    controller = graph.add(ControllerNode, "controller", budget__delay_s=0.16, budget__energy_j=0.0)
    controller.autostart()
    plans = Listener(controller, Plan, "plan", qos.PLAN)
    graph.until(lambda: plans.last is not None)
    free_hz = plans.last.edge_clock_hz
    assert free_hz > 6e8
    nvml.change(cap_mhz=600, reasons=0x4)
    graph.until(lambda: plans.last.edge_clock_hz <= 6e8)
    assert "the edge reaches up to 600 MHz alone" in plans.last.message
    rig.state(lambda s: s.applied and s.clock_hz <= 6e8)
