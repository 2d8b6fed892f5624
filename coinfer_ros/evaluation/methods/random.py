# SPDX-License-Identifier: Apache-2.0
"""Widths drawn at random, those that fit at their best clocks; arXiv 2602.13052, Sec. VI."""

from __future__ import annotations

import numpy as np

from coinfer_ros.core.optimizer import Point, Problem, Solution
from coinfer_ros.core.optimizer.clocks import least_energy
from coinfer_ros.evaluation.methods.judged import judged, nothing, paper_system

DRAWS = 400
SEED = 0


def solve(problem: Problem) -> Solution:
    """Return the first feasible draw of seed 0.

    :raises Unsupported: when the problem is not the paper's.
    """
    plans = feasible_draws(problem, np.random.default_rng(SEED))
    if not plans:
        return nothing(f"none of {DRAWS} random widths keeps the budgets")
    return judged(problem, plans[0], f"the first of {len(plans)} feasible draws of {DRAWS}")


def feasible_draws(problem: Problem, rng: np.random.Generator, draws: int = DRAWS) -> list[Point]:
    """Draw widths evenly; return those that fit, each with its clocks of least energy.

    The paper evaluates and reports the feasible ones alone.

    :param draws: how many to draw.
    :raises Unsupported: when the problem is not the paper's.
    """
    system, budget = paper_system(problem, "random"), problem.budget
    plans: dict[int, Point | None] = {}
    for bits in problem.quality.widths:
        plan = least_energy(system, bits, budget.delay_s)
        kept = plan is not None and budget.kept(plan.delay_s, plan.energy_j)
        plans[bits] = plan if kept else None
    drawn = rng.choice(problem.quality.widths, size=draws)
    return [plan for bits in drawn.tolist() if (plan := plans[bits]) is not None]
