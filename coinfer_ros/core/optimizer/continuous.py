# SPDX-License-Identifier: Apache-2.0
"""Solves a problem exactly where any clock up to the greatest can be set.

Delay and energy of a width's best clocks both rise with the width (docs/theory.md, 3 and 4). So
the widths that fit are the narrowest ones, found by halving, and (P1) of arXiv 2602.13052 needs no
relaxation, no iterations and no rounding, which could break a budget.
"""

from __future__ import annotations

from coinfer_ros.core.costs import System
from coinfer_ros.core.optimizer import answers, clocks, settings
from coinfer_ros.core.optimizer.answers import Needs
from coinfer_ros.core.optimizer.problem import Objective, Problem
from coinfer_ros.core.optimizer.solution import Point, Solution

# A deadline that is none, yet finite: without static power the best clock tends to 0.
_AGES_S = 1e30


def solve_continuous(problem: Problem, system: System) -> Solution:
    """Return the exact answer to a problem whose costs are ``system``.

    A plan keeps its budgets as computed, to the last bit; nearest budgets are feasible when given
    back.

    :param system: both machines and the work.
    :raises InvalidInput: when the deadline is infinite and a machine has no static power.

    >>> from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT
    >>> from coinfer_ros.core.optimizer.problem import paper_problem
    >>> system = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)
    >>> found = solve_continuous(paper_problem(system, BLIP2_BUDGET, range(1, 17)), system)
    >>> found.bits, found.binding, f"{found.plan.delay_s:.3f} s", f"{found.plan.energy_j:.3f} J"
    (5, 'energy', '3.500 s', '1.056 J')
    """
    if not problem.good_widths:
        return answers.not_good_enough(problem)
    found = {
        Objective.LOSS: _least_loss,
        Objective.ENERGY: _least_energy,
        Objective.DELAY: _least_delay,
        Objective.WEIGHTED: _least_weighted,
    }[problem.objective](problem, system)
    return found or answers.infeasible(problem, _needs(problem, system, problem.good_widths[0][0]))


def _least_loss(problem: Problem, system: System) -> Solution | None:
    good = problem.good_widths
    low, high = 0, len(good)  # the first `low` widths fit, those from `high` on do not
    plans: dict[int, Point] = {}
    while low < high:
        middle = (low + high) // 2
        plan = _within(problem, system, good[middle][0])
        if plan is None:
            high = middle
        else:
            low, plans[middle] = middle + 1, plan
    if not low:
        return None
    best = min(range(low), key=lambda index: good[index][1])  # the narrowest, hence cheapest
    plan = plans.get(best) or _within(problem, system, good[best][0])
    assert plan is not None  # noqa: S101  narrower than one that fits
    wanted = next((bits for bits, loss in good[low:] if loss < good[best][1]), None)
    needs = None if wanted is None else _needs(problem, system, wanted)
    return answers.least_loss(problem, plan, needs)


def _least_energy(problem: Problem, system: System) -> Solution | None:
    bits = problem.good_widths[0][0]  # energy rises with the width: the narrowest will do
    plan = _within(problem, system, bits)
    if plan is None:
        return None
    at_leisure = clocks.least_energy(system, bits, _AGES_S)
    hurried = at_leisure is not None and at_leisure.energy_j < plan.energy_j
    limited = bits > problem.quality.widths[0]
    return answers.least_cost(problem, plan, delay=hurried, energy=False, quality=limited)


def _least_delay(problem: Problem, system: System) -> Solution | None:
    bits = problem.good_widths[0][0]  # and so does the delay
    plan = _fastest_within(problem, system, bits)
    if plan is None:
        return None
    throttled = settings.fastest(system, bits).delay_s < plan.delay_s
    limited = bits > problem.quality.widths[0]
    return answers.least_cost(problem, plan, delay=False, energy=throttled, quality=limited)


def _least_weighted(problem: Problem, system: System) -> Solution | None:
    plan = _best_weighted(problem, system)
    if plan is None:
        return None

    def best(freer: Problem) -> Point | None:
        return _best_weighted(freer, system)

    return answers.least_cost_by_trial(problem, plan, best, no_deadline_s=_AGES_S)


def _best_weighted(problem: Problem, system: System) -> Point | None:
    """Try every width: each has its own best clocks, and no order of them is known."""
    plans = [_weighted_within(problem, system, bits) for bits, _ in problem.good_widths]
    return min(filter(None, plans), key=problem.key, default=None)


def _weighted_within(problem: Problem, system: System, bits: int) -> Point | None:
    """Return a width's best clocks within the budgets.

    The sum is convex in the delay, energy at its least for each: a budget broken is used up.
    """
    budget, weights = problem.budget, problem.weights
    plan: Point | None = None
    if weights.delay:
        plan = clocks.least_weighted(system, bits, energy=weights.energy, delay=weights.delay)
    if plan is None or plan.delay_s > budget.delay_s:
        plan = clocks.least_energy(system, bits, budget.delay_s)
    if plan is not None and plan.energy_j > budget.energy_j:
        plan = _fastest_within(problem, system, bits)
    return plan


def _fastest_within(problem: Problem, system: System, bits: int) -> Point | None:
    """Return the fastest setting of a width that keeps both budgets.

    Where both are used up, what the least delay misses by its last digit the least energy keeps.
    """
    plan = clocks.least_delay(system, bits, problem.budget.energy_j)
    if plan is not None and plan.delay_s <= problem.budget.delay_s:
        return plan
    return None if plan is None else _within(problem, system, bits)


def _within(problem: Problem, system: System, bits: int) -> Point | None:
    """Return the setting of least energy of a width if it keeps both budgets."""
    plan = clocks.least_energy(system, bits, problem.budget.delay_s)
    kept = plan is not None and problem.budget.kept(plan.delay_s, plan.energy_j)
    return plan if kept else None


def _needs(problem: Problem, system: System, bits: int) -> Needs:
    """Return what a width needs of each budget, the other held."""
    cheap = clocks.least_energy(system, bits, problem.budget.delay_s)
    fast = clocks.enough_delay(system, bits, problem.budget.energy_j)
    return Needs(
        delay=None if fast is None else (fast[0], bits),
        energy=None if cheap is None else (cheap.energy_j, bits),
    )
