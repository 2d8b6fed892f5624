# SPDX-License-Identifier: Apache-2.0
"""Puts what a method answers beside the budgets: kept, broken, or nothing found."""

from __future__ import annotations

import itertools
import math

from coinfer_ros.core.costs import System
from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.optimizer import Objective, Point, Problem, Solution, Status


def paper_system(problem: Problem, method: str) -> System:
    """Return the system of a problem that is the paper's (P1) but for its set of widths.

    Static power and a link are no part of (P1); a method that cannot have them says so itself.

    :param method: its name, for the message.
    :raises Unsupported: when costs are tables, another objective is asked for, a loss is limited,
        the loss does not fall with the width or a budget is infinite.
    """
    losses = problem.quality.losses
    falling = all(after < before for before, after in itertools.pairwise(losses))
    if (
        not isinstance(problem.costs, System)
        or problem.objective is not Objective.LOSS
        or problem.loss_max != math.inf
        or not falling
        or math.inf in (problem.budget.delay_s, problem.budget.energy_j)
    ):
        raise Unsupported(
            f"method {method} solves the paper's problem (P1) alone: an analytic system, the least "
            "loss within finite budgets of delay and energy, and a loss that falls with the width"
        )
    return problem.costs


def judged(
    problem: Problem, plan: Point, message: str, *, bound: float | None = None, proved: bool = False
) -> Solution:
    """Return a method's plan with the status that the budgets give it.

    :param plan: with its true costs.
    :param message: how it was found.
    :param bound: proved lower bound of the objective.
    :param proved: the plan is optimal if it keeps the budgets.
    """
    broken = [
        f"{cost:.4g} {unit} of {budget:.4g} {unit}"
        for cost, budget, unit in (
            (plan.delay_s, problem.budget.delay_s, "s"),
            (plan.energy_j, problem.budget.energy_j, "J"),
        )
        if cost > budget
    ]
    status = Status.OPTIMAL if proved else Status.FEASIBLE
    if broken:
        status = Status.OVER_BUDGET
        message = f"{message}: over budget, {' and '.join(broken)}"
    return Solution(
        status=status,
        plan=plan,
        objective=problem.value(plan),
        bound=bound,
        binding="unknown",
        nearest_delay_s=None,
        nearest_energy_j=None,
        message=message,
    )


def nothing(message: str, *, proved: bool = False) -> Solution:
    """Return that a method found no plan.

    :param message: why.
    :param proved: there is none.
    """
    return Solution(
        status=Status.INFEASIBLE if proved else Status.FAILED,
        plan=None,
        objective=None,
        bound=None,
        binding="unknown",
        nearest_delay_s=None,
        nearest_energy_j=None,
        message=message,
    )
