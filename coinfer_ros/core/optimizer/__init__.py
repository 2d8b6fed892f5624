# SPDX-License-Identifier: Apache-2.0
"""Chooses the widest bit-width and the cheapest clocks that keep a delay and an energy budget.

Every distortion of ``rate_distortion`` falls as the bit-width rises, and so does the objective
D^U - D^L of problem (P1), arXiv 2602.13052. So (P1) is exactly: the widest width that fits; λ plays
no part (docs/theory.md, 3). Among the settings of that width the least energy wins.
"""

from coinfer_ros.core.optimizer.continuous import solve_continuous
from coinfer_ros.core.optimizer.solution import Point, Solution, Status
from coinfer_ros.core.optimizer.stepped import best_effort, solve_stepped
from coinfer_ros.core.optimizer.tables import Tables, analytic_tables

__all__ = [
    "Point",
    "Solution",
    "Status",
    "Tables",
    "analytic_tables",
    "best_effort",
    "solve_continuous",
    "solve_stepped",
]
