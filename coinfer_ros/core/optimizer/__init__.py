# SPDX-License-Identifier: Apache-2.0
"""Chooses a bit-width and both clocks under delay, energy and quality budgets, exactly.

Every distortion of ``rate_distortion`` falls as the bit-width rises, and so does the objective
D^U - D^L of problem (P1), arXiv 2602.13052. So (P1) is exactly: the widest width that fits; λ plays
no part (docs/theory.md, 3). Among the settings of that width the least energy wins. Losses that
were measured need not fall with the width, and other objectives are there beside (P1).
"""

from coinfer_ros.core.optimizer.among import solve_among
from coinfer_ros.core.optimizer.continuous import solve_continuous
from coinfer_ros.core.optimizer.exhaustive import solve_exhaustively
from coinfer_ros.core.optimizer.fallback import Policy, fallback
from coinfer_ros.core.optimizer.problem import (
    Law,
    Objective,
    Problem,
    Quality,
    Weights,
    paper_problem,
)
from coinfer_ros.core.optimizer.solution import Point, Solution, Status
from coinfer_ros.core.optimizer.stepped import solve_stepped
from coinfer_ros.core.optimizer.tables import Tables, analytic_tables

__all__ = [
    "Law",
    "Objective",
    "Point",
    "Policy",
    "Problem",
    "Quality",
    "Solution",
    "Status",
    "Tables",
    "Weights",
    "analytic_tables",
    "fallback",
    "paper_problem",
    "solve",
    "solve_among",
    "solve_exhaustively",
]


def solve(problem: Problem) -> Solution:
    """Return the exact answer: over free clocks for a system, over every setting for tables.

    :raises InvalidInput: when the deadline is infinite and a machine has no static power, free
        clocks given.

    >>> from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT, System
    >>> system = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)
    >>> solve(paper_problem(system, BLIP2_BUDGET, range(1, 17))).bits
    5
    """
    if isinstance(problem.costs, Tables):
        return solve_stepped(problem, problem.costs)
    return solve_continuous(problem, problem.costs)
