# SPDX-License-Identifier: Apache-2.0
"""Every setting, one after another: of the tables given, or of 64 x 64 clock steps of a system."""

from __future__ import annotations

import dataclasses

import numpy as np

from coinfer_ros.core.costs import System
from coinfer_ros.core.optimizer import (
    Problem,
    Solution,
    Tables,
    analytic_tables,
    solve_exhaustively,
)
from coinfer_ros.evaluation.methods.judged import judged, nothing

STEPS = 64


def solve(problem: Problem) -> Solution:
    """Return the best of all settings; for a system with free clocks that proves nothing."""
    if isinstance(problem.costs, Tables):
        return solve_exhaustively(problem, problem.costs)
    tables = stepped(problem.costs, problem.quality.widths, STEPS)
    found = solve_exhaustively(dataclasses.replace(problem, costs=tables), tables)
    if found.plan is None:
        return nothing(f"no setting of {STEPS} x {STEPS} clock steps keeps the budgets")
    return judged(problem, found.plan, f"the best of {STEPS} x {STEPS} clock steps")


def stepped(system: System, widths: tuple[int, ...], steps: int) -> Tables:
    """Return the tables of a system with evenly spaced clocks, the greatest included.

    :param widths: bit-widths, rising.
    :param steps: clocks of each machine.
    """
    shares = np.arange(1, steps + 1) / steps
    return analytic_tables(
        system,
        widths=widths,
        robot_clocks_hz=(shares * system.robot.clock_max_hz).tolist(),
        edge_clocks_hz=(shares * system.edge.clock_max_hz).tolist(),
    )
