# SPDX-License-Identifier: Apache-2.0
"""Both clocks at their greatest, only the width chosen; arXiv 2602.13052, Sec. VI."""

from __future__ import annotations

from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.core.optimizer.settings import fastest
from coinfer_ros.evaluation.methods.judged import judged, nothing, paper_system


def solve(problem: Problem) -> Solution:
    """Return the widest width that keeps the budgets at the greatest clocks.

    :raises Unsupported: when the problem is not the paper's.
    """
    system = paper_system(problem, "fixed_frequency")
    for bits in reversed(problem.quality.widths):
        plan = fastest(system, bits)
        if problem.budget.kept(plan.delay_s, plan.energy_j):
            return judged(problem, plan, "both clocks at their greatest")
    return nothing("no width keeps the budgets with both clocks at their greatest")
