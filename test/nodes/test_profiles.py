# SPDX-License-Identifier: Apache-2.0
"""The controller plans with what was measured; what it cannot plan with is refused at configure."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.msg import Plan
from coinfer_ros.srv import WhatIf
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from coinfer_ros.adapters import profile_file
from coinfer_ros.core.profile import SERVED, Distortion, Energy, Latency
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.controller import ControllerNode

pytestmark = pytest.mark.ros

DATA = Path(__file__).parents[1] / "adapters" / "data"
ROBOT = profile_file.read(DATA / "robot_profile.json", name="data")
EDGE = profile_file.read(DATA / "edge_profile.json", name="data")


def slower(profile, times):
    """Return a profile of a machine that takes so many times as long."""
    latency = profile.latency
    percentiles = (latency.p50_s, latency.p90_s, latency.p95_s, latency.p99_s)
    scaled = Latency(*(times * each for each in percentiles), samples=latency.samples)
    return dataclasses.replace(profile, latency=scaled)


def unmetered(profile):
    nothing = np.full(profile.energy.mean_j.shape, math.nan)
    return dataclasses.replace(profile, energy=Energy(nothing, nothing))


@pytest.fixture
def file(tmp_path):
    def write(profile):
        path = tmp_path / f"{profile.role}.json"
        profile_file.write(profile, path)
        return str(path)

    return write


def plan_of(graph, **parameters):
    """Return the first plan of a controller of its own."""
    controller = graph.add(ControllerNode, "controller", **parameters)
    plans = []
    listener = controller.create_subscription(Plan, "plan", plans.append, qos.PLAN)
    controller.autostart()
    plan = graph.until(lambda: plans and plans[-1])
    controller.destroy_subscription(listener)
    graph.remove(controller)
    return plan


def test_a_profile_changes_the_plan_and_both_together_change_it_again(graph, file):
    computed = plan_of(graph)
    measured = plan_of(graph, robot__profile=str(DATA / "robot_profile.json"))
    assert computed.weight_bits == measured.weight_bits == 16
    assert measured.robot_clock_hz in ROBOT.clocks_hz
    slow = plan_of(graph, robot__profile=file(slower(ROBOT, 2.0)))
    assert slow.weight_bits < 16
    both = plan_of(graph, robot__profile=file(slower(ROBOT, 2.0)), edge__profile=file(EDGE))
    assert both.edge_clock_hz in EDGE.clocks_hz
    row, column = ROBOT.widths.index(both.weight_bits), ROBOT.clocks_hz.index(both.robot_clock_hz)
    edge_column = EDGE.clocks_hz.index(both.edge_clock_hz)
    expected_s = 2.0 * ROBOT.latency.p95_s[row, column] + EDGE.latency.p95_s[0, edge_column]
    assert both.predicted_delay_s == pytest.approx(expected_s + both.overhead_s)


def test_measured_errors_decide_which_width_is_best(graph, file):
    errors = np.ones(len(ROBOT.widths))
    errors[ROBOT.widths.index(5)] = 0.5
    best = Distortion(SERVED, errors, errors, errors)
    profile = dataclasses.replace(ROBOT, distortions=(best,))
    assert plan_of(graph, robot__profile=file(profile)).weight_bits == 5


@pytest.mark.parametrize(
    ("changes", "parameters", "says"),
    [
        (
            {"fingerprint": "cd" * 32},
            {},
            "robot.profile must be of model 17ceaedb1db4…, got one of",
        ),
        (
            {"cut": "elsewhere"},
            {},
            "robot.profile must be of cut visual_projection, got one of cut",
        ),
        (
            {},
            {"robot__board_file": "paper_robot"},
            "robot.profile must be of board paper_robot, got one of board jetson_agx_orin",
        ),
        (
            {},
            {"workload__head_flop": 1e9},
            "robot.profile must be of work 1e+09 FLOP, got one of work 2.1227e+11 FLOP",
        ),
    ],
)
def test_a_foreign_profile_is_refused_with_its_reason(
    graph, file, capfd, changes, parameters, says
):
    path = file(dataclasses.replace(ROBOT, **changes))
    node = graph.add(ControllerNode, "subject", robot__profile=path, **parameters)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert says in capfd.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"edge__profile": str(DATA / "robot_profile.json")}, "edge.profile must be of role edge"),
        ({"robot__profile": "/none.json"}, "robot.profile must be a readable file"),
        ({"robot__profile": __file__}, "robot.profile must be JSON"),
    ],
)
def test_what_is_no_profile_of_this_half_is_refused(graph, capfd, parameters, says):
    node = graph.add(ControllerNode, "subject", **parameters)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert says in capfd.readouterr().err


def test_without_a_meter_an_energy_budget_is_refused_before_and_while_it_runs(graph, file, capfd):
    path = file(unmetered(ROBOT))
    node = graph.add(ControllerNode, "refused", robot__profile=path)
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    reason = "budget.energy_j must be 0, no limit, while robot.profile has no energies"
    assert reason in capfd.readouterr().err

    node = graph.add(ControllerNode, "subject", robot__profile=path, budget__energy_j=0.0)
    plans = []
    node.create_subscription(Plan, "plan", plans.append, qos.PLAN)
    node.autostart()
    plan = graph.until(lambda: plans and plans[-1])
    assert math.isnan(plan.predicted_energy_j)
    assert math.isinf(plan.budget_energy_j)
    assert plan.status == Plan.OPTIMAL
    result = node.set_parameters([Parameter("budget.energy_j", value=3.0)])[0]
    assert not result.successful
    assert reason in result.reason
    assert node.set_parameters([Parameter("budget.delay_s", value=0.05)])[0].successful
    graph.until(lambda: plans[-1].budget_delay_s == 0.05)
    graph.until(lambda: len(plans) > 10)
    assert plans[-1].plan_id == 2  # renewed, not made anew, though NaN is equal to nothing

    client = node.create_client(WhatIf, "/subject/what_if")
    asked = client.call_async(WhatIf.Request(delay_s=1.0, energy_j=3.0))
    answer = graph.until(lambda: asked.done() and asked.result())
    assert not answer.success
    assert "energy of the robot's half was not measured, got 3 J" in answer.message


def test_a_limit_that_leaves_no_measured_width_is_refused(graph, file):
    some = dataclasses.replace(
        ROBOT,
        widths=ROBOT.widths[-2:],
        kernels=ROBOT.kernels[-2:],
        latency=Latency(
            *(getattr(ROBOT.latency, f"p{p}_s")[-2:] for p in (50, 90, 95, 99)), samples=5
        ),
        energy=Energy(ROBOT.energy.mean_j[-2:], ROBOT.energy.error_j[-2:]),
        distortions=(),
        quality=dataclasses.replace(
            ROBOT.quality,
            exact_match=ROBOT.quality.exact_match[-2:],
            cider=ROBOT.quality.cider[-2:],
        ),
    )
    node = graph.add(ControllerNode, "subject", robot__profile=file(some))
    node.autostart()
    result = node.set_parameters([Parameter("quant.max_bits", value=4)])[0]
    assert not result.successful
    assert "widths must hold one that was measured, [8, 16], got [2, 3, 4]" in result.reason
