# SPDX-License-Identifier: Apache-2.0
"""How long each way of choosing a plan takes, and how far from the optimum it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench import training
from bench.options import Options
from bench.section import Section
from coinfer_ros.core.optimizer import Problem, Solution, Status
from coinfer_ros.core.optimizer.canonical import Canonical
from coinfer_ros.evaluation import instances
from coinfer_ros.evaluation.methods import METHODS, ppo, solve_by

WIDTHS = tuple(range(2, 17))
SEED = 2026
# Looks at 65,536 settings each, in Python: a share of the instances tells as much.
SLOW = {"exhaustive": 50}


@dataclass(frozen=True)
class Outcome:
    """What a method made of one instance.

    :param seconds: time that it took.
    :param found: its answer.
    :param best: the exact answer.
    """

    seconds: float
    found: Solution
    best: Solution

    @property
    def kept(self) -> bool:
        """The method has a plan, and it keeps both budgets."""
        return self.found.status in (Status.OPTIMAL, Status.FEASIBLE)


def measure(options: Options) -> Section:
    """Run every method on the same random instances."""
    count = options.rounds(1000, 20)
    drawn = instances.GENERAL.draw(np.random.default_rng(SEED), count)
    problems = [instances.problem_of(Canonical(*map(float, row)), WIDTHS) for row in drawn]
    best = [solve_by("exact", problem) for problem in problems]
    outcomes = {
        name: _outcomes(_solver(name, options), problems[: SLOW.get(name, count)], best)
        for name in METHODS
    }
    exact_s = _median_s(outcomes["exact"])
    solvable = sum(found.plan is not None for found in best)
    return Section(
        title="Methods on the same instances",
        columns=(
            "method",
            "p50, ms",
            "× exact",
            "optimal, %",
            "over, %",
            "none, %",
            "bits short",
            "loss ratio",
        ),
        rows=tuple(_row(name, found, exact_s) for name, found in outcomes.items()),
        reading=(
            f"Random instances of the paper's problem (P1) with {len(WIDTHS)} bit-widths, seed "
            f"{SEED}: of {count}, {solvable} have a plan, and the columns from 'optimal' on are of "
            f"these. `exhaustive` takes the first {SLOW['exhaustive']} alone. Optimal: the "
            "optimum's bit-width within both budgets. Over: the answer breaks a budget. None: no "
            "answer. Bits short and loss ratio: mean, and geometric mean of D^U - D^L over the "
            "least, where the budgets are kept. `sca` is Algorithm 1 as its box says, nearest "
            "rounding included, δ = 1e-4/λ. `all_on_robot` and `all_on_edge` do not split the "
            "model: another problem, and now and then a better answer. The policy of `ppo` is "
            "trained before; its forward pass is timed."
        ),
    )


def _solver(name: str, options: Options) -> Callable[[Problem], Solution]:
    if name == "ppo":
        policy = training.policy(options)
        return lambda problem: ppo.solve_with(policy, problem)
    return lambda problem: solve_by(name, problem)


def _outcomes(
    solve: Callable[[Problem], Solution], problems: list[Problem], best: list[Solution]
) -> list[Outcome]:
    solve(problems[0])  # loads and compiles
    found = []
    for problem, optimum in zip(problems, best, strict=False):
        begun_s = time.perf_counter()
        answer = solve(problem)
        found.append(Outcome(time.perf_counter() - begun_s, answer, optimum))
    return found


def _row(name: str, outcomes: list[Outcome], exact_s: float) -> tuple[str, ...]:
    with_plan = [outcome for outcome in outcomes if outcome.best.plan is not None]
    kept = [outcome for outcome in with_plan if outcome.kept]
    over = sum(outcome.found.status is Status.OVER_BUDGET for outcome in with_plan)
    nothing = sum(outcome.found.plan is None for outcome in with_plan)
    optimal = sum(outcome.found.bits == outcome.best.bits for outcome in kept)
    short = [(o.best.bits or 0) - (o.found.bits or 0) for o in kept]
    ratios = [math.log((o.found.objective or 1.0) / (o.best.objective or 1.0)) for o in kept]
    median_s = _median_s(outcomes)
    return (
        name,
        f"{median_s * 1e3:.3f}",
        f"{median_s / exact_s:.2f}",
        *(f"{100.0 * part / len(with_plan):.1f}" for part in (optimal, over, nothing)),
        f"{np.mean(short):.2f}" if kept else "none",
        f"{math.exp(np.mean(ratios)):.3f}" if kept else "none",
    )


def _median_s(outcomes: list[Outcome]) -> float:
    return float(np.median([outcome.seconds for outcome in outcomes]))
