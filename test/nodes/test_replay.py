# SPDX-License-Identifier: Apache-2.0
"""What a running graph decides is recorded and made again exactly, whenever the recorder came."""

from __future__ import annotations

import io
import json
import sys

import pytest

pytest.importorskip("rclpy", reason="rclpy is not here: run make test")

from coinfer_ros.msg import Plan

from coinfer_ros.nodes.recorder import RecorderNode
from coinfer_ros.tools import cli

from .test_system import System

pytestmark = pytest.mark.ros

BUDGETS = (
    {"delay_s": 0.06, "energy_j": 6.0},
    {"delay_s": 1.0, "energy_j": 0.2},
    {"delay_s": 0.002, "energy_j": 6.0},  # nothing keeps it
    {"delay_s": 0.35, "energy_j": 0.0},  # no limit
)


@pytest.fixture
def recorder(graph, monkeypatch):
    """Return how to add a recorder of a bag; it has no commands to read."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return lambda name, bag: graph.add(RecorderNode, name, record__bag=str(bag))


def replayed(capsys, bag):
    """Return the exit status and the one robot's part."""
    capsys.readouterr()  # what the recorders said
    status = cli.main(["replay", str(bag), "--json"])
    out, errors = capsys.readouterr()
    assert not errors
    (robot,) = json.loads(out)["robots"]
    return status, robot


def test_every_plan_of_a_running_graph_is_made_again_exactly(
    graph, images, tmp_path, capsys, recorder
):
    recorders = [recorder("recorder", tmp_path / "bag")]
    system = System(graph, images, tmp_path / "boards")
    system.good_answer()
    for budgets in BUDGETS:
        system.set_budget(**budgets)
        plan = graph.until(
            lambda s=budgets["delay_s"]: (
                system.plans.last if system.plans.last.budget_delay_s == s else None
            )
        )
        system.good_answer(lambda answer, plan=plan: answer.plan_id >= plan.plan_id)
        if len(recorders) == 1:  # one that comes late gets what is latched, in any order
            recorders.append(recorder("late", tmp_path / "late"))
            recorders[1].autostart()
            system.good_answer()
    for node in recorders:
        graph.remove(node)
    assert {plan.status for plan in system.plans.messages} == {Plan.OPTIMAL, Plan.INFEASIBLE}
    status, robot = replayed(capsys, tmp_path / "bag")
    assert status == 0, robot
    assert robot["robot_id"] == system.plans.last.robot_id
    assert robot["plans"] == robot["equal"] > len(BUDGETS)
    assert robot["traces"] > 0
    assert robot["evidence"]["kept"]["of"] + robot["evidence"]["late"] > 0
    status, late = replayed(capsys, tmp_path / "late")
    # Topics are found one after another: of the first plan it may have come too late for the basis.
    first = min(plan.plan_id for plan in system.plans.messages[-late["plans"] :])
    without = [plan["plan_id"] for plan in late["not_recomputed"]]
    assert without in ([], [first]), late
    assert status == len(without)
    assert len(BUDGETS) <= late["plans"] == late["equal"] + len(without) < robot["plans"]
