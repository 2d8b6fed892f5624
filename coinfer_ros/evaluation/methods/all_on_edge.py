# SPDX-License-Identifier: Apache-2.0
"""No robot: the edge runs both halves unquantized, and the link carries what it carries else.

An image may be larger or smaller than an embedding: give the problem the link that is meant.
"""

from __future__ import annotations

from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.optimizer import Point, Problem, Solution
from coinfer_ros.evaluation.methods.judged import judged, nothing, paper_system
from coinfer_ros.evaluation.methods.one_machine import clock_in_time


def solve(problem: Problem) -> Solution:
    """Return the clock at which the edge alone keeps the budgets.

    Its width is the original one of the weights.

    :raises Unsupported: when the problem is not the paper's, or has no loss for that width.
    """
    system, budget = paper_system(problem, "all_on_edge"), problem.budget
    work, edge, link = system.workload, system.edge, system.link
    if work.weight_bits not in problem.quality.widths:
        raise Unsupported(
            f"method all_on_edge needs the loss of unquantized weights, {work.weight_bits} bits, "
            f"got widths {problem.quality.widths}"
        )
    flop = work.robot_flop + work.edge_flop_in_all
    clock_hz = clock_in_time(edge, flop, budget.delay_s, beside_s=link.delay_s)
    if clock_hz is None or edge.energy_j(flop, clock_hz) + link.energy_j > budget.energy_j:
        return nothing("the edge alone does not keep the budgets")
    plan = Point(
        bits=work.weight_bits,
        robot_clock_hz=0.0,
        edge_clock_hz=clock_hz,
        delay_s=edge.delay_s(flop, clock_hz) + link.delay_s,
        energy_j=edge.energy_j(flop, clock_hz) + link.energy_j,
    )
    return judged(problem, plan, "the whole model on the edge")
