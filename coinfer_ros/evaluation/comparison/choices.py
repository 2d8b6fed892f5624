# SPDX-License-Identifier: Apache-2.0
"""What each way of choosing a plan chooses within given budgets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.costs import Budget, System
from coinfer_ros.core.optimizer import Problem, Solution, Status, paper_problem
from coinfer_ros.core.optimizer.canonical import canonical
from coinfer_ros.core.optimizer.relaxed import solve_relaxed
from coinfer_ros.evaluation.comparison.scenarios import WIDTHS
from coinfer_ros.evaluation.methods import solve_by
from coinfer_ros.evaluation.methods.random import feasible_draws
from coinfer_ros.evaluation.methods.sca import solve_rounded

EXACT, ORACLE, RANDOM, PPO = "exact", "oracle", "random", "ppo"
# In the order in which they are told.
METHODS = {
    EXACT: "joint design, exact: the widest width that fits (this project)",
    "sca": "Algorithm 1, nearest rounding (its box)",
    "sca_feasible": "Algorithm 1, nearest feasible width (its text)",
    PPO: "policy trained by PPO",
    "fixed_frequency": "both clocks at their greatest",
    RANDOM: "400 random widths, those that fit",
    "all_on_robot": "the whole model on the robot, all of it quantized",
    "all_on_edge": "the whole model on the edge, as stored",
    ORACLE: "oracle: the best measured quality of all that fits",
}
RANDOM_SEED = 0


@dataclass(frozen=True)
class Choice:
    """What one method chose for one pair of budgets.

    :param method: a key of ``METHODS``.
    :param budget: the budgets.
    :param kept: it has a plan, and the plan keeps both.
    :param bits: the widths that it stands for, equally likely; several for ``random`` alone, none
        where it has no plan.
    :param robot_clock_hz: of its plan, Hz; NaN where there is none, or several.
    :param edge_clock_hz: likewise.
    :param delay_s: likewise, s.
    :param energy_j: likewise, J.
    :param told: in the method's words.
    """

    method: str
    budget: Budget
    kept: bool
    bits: tuple[int, ...]
    robot_clock_hz: float
    edge_clock_hz: float
    delay_s: float
    energy_j: float
    told: str

    @property
    def broken(self) -> bool:
        """It has a plan that breaks a budget."""
        return bool(self.bits) and not self.kept

    @property
    def whole(self) -> bool:
        """The edge's half of the model is quantized as well."""
        return self.method == "all_on_robot"


def choose(method: str, system: System, budget: Budget) -> Choice:
    """Return what a method chooses; ``ppo`` needs a policy and ``oracle`` scores of its own.

    :param method: another key of ``METHODS``.
    :raises Unavailable: when a library that it needs is not here.
    """
    problem = paper_problem(system, budget, WIDTHS)
    if method == RANDOM:
        return _random(problem)
    if method == "sca_feasible":
        return choice_of(method, budget, solve_rounded(problem, only_feasible=True))
    return choice_of(method, budget, solve_by(method, problem))


def relaxed_bits(system: System, budget: Budget) -> float | None:
    """Return the greatest real width that fits, at most the widest of ``WIDTHS``; None for none.

    Layers that have widths of their own may need so many bits on average.
    """
    instance = canonical(system, budget)
    found = None if instance is None else solve_relaxed(instance, WIDTHS[-1])
    return None if found is None else found.bits


def choice_of(method: str, budget: Budget, found: Solution) -> Choice:
    """Return an answer as a choice."""
    plan, nothing = found.plan, float("nan")
    return Choice(
        method,
        budget,
        kept=found.status in (Status.OPTIMAL, Status.FEASIBLE),
        bits=() if plan is None else (plan.bits,),
        robot_clock_hz=nothing if plan is None else plan.robot_clock_hz,
        edge_clock_hz=nothing if plan is None else plan.edge_clock_hz,
        delay_s=nothing if plan is None else plan.delay_s,
        energy_j=nothing if plan is None else plan.energy_j,
        told=found.message,
    )


def _random(problem: Problem) -> Choice:
    """Return all feasible draws: the paper evaluates and reports these."""
    plans = feasible_draws(problem, np.random.default_rng(RANDOM_SEED))
    unknown = float("nan")
    return Choice(
        RANDOM,
        problem.budget,
        kept=bool(plans),
        bits=tuple(plan.bits for plan in plans),
        robot_clock_hz=unknown,
        edge_clock_hz=unknown,
        delay_s=unknown,
        energy_j=unknown,
        told=f"{len(plans)} feasible draws",
    )
