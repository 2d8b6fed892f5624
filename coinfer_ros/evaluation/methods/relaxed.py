# SPDX-License-Identifier: Apache-2.0
"""Problem (P2) in closed form, then the next width below; docs/theory.md, 5."""

from __future__ import annotations

from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.core.optimizer.canonical import canonical
from coinfer_ros.core.optimizer.relaxed import greatest_width
from coinfer_ros.evaluation.methods.floored import floored
from coinfer_ros.evaluation.methods.judged import nothing, paper_system


def solve(problem: Problem) -> Solution:
    """Return the widest allowed width below the relaxed optimum, with its own clocks.

    :raises Unsupported: when the problem is not the paper's.
    """
    system = paper_system(problem, "relaxed")
    instance = canonical(system, problem.budget)
    if instance is None:
        return nothing("the link alone uses up a budget", proved=True)
    bits = greatest_width(instance)
    return floored(problem, system, bits, name="relaxed in closed form")
