# SPDX-License-Identifier: Apache-2.0
"""No edge: the robot runs both halves, both quantized, and nothing crosses the link."""

from __future__ import annotations

from coinfer_ros.core.optimizer import Point, Problem, Solution
from coinfer_ros.evaluation.methods.judged import judged, nothing, paper_system
from coinfer_ros.evaluation.methods.one_machine import clock_in_time


def solve(problem: Problem) -> Solution:
    """Return the widest width at which the robot alone keeps the budgets.

    :raises Unsupported: when the problem is not the paper's.
    """
    system, budget = paper_system(problem, "all_on_robot"), problem.budget
    work, robot = system.workload, system.robot
    for bits in reversed(problem.quality.widths):
        flop = (work.robot_flop + work.edge_flop_in_all) * bits / work.weight_bits
        clock_hz = clock_in_time(robot, flop, budget.delay_s)
        if clock_hz is None or robot.energy_j(flop, clock_hz) > budget.energy_j:
            continue
        plan = Point(
            bits=bits,
            robot_clock_hz=clock_hz,
            edge_clock_hz=0.0,
            delay_s=robot.delay_s(flop, clock_hz),
            energy_j=robot.energy_j(flop, clock_hz),
        )
        return judged(problem, plan, "the whole model on the robot")
    return nothing("the robot alone keeps the budgets at no width")
