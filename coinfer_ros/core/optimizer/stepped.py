# SPDX-License-Identifier: Apache-2.0
"""Solves a problem exactly over tables: finite clock steps, any cost law, any loss."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer import answers
from coinfer_ros.core.optimizer.answers import Needs
from coinfer_ros.core.optimizer.problem import Objective, Problem
from coinfer_ros.core.optimizer.solution import Point, Solution
from coinfer_ros.core.optimizer.tables import Table, Tables

Mask = NDArray[np.bool_]


def solve_stepped(problem: Problem, tables: Tables) -> Solution:
    """Return the exact answer to a problem whose costs are ``tables``.

    Every setting that could be better is tried, so the answer is exact for any table. Ties go as
    the objective says, then to the wider width, then to the clocks that the tables name first.

    :param tables: what each half takes at every setting.
    """
    good = problem.good_widths
    if not good:
        return answers.not_good_enough(problem)
    plan = best(problem, tables)
    if plan is None:
        return answers.infeasible(problem, needs(problem, tables))
    if problem.objective is Objective.LOSS:
        better = problem.loss(plan.bits)
        wanted = any(loss < better for _, loss in good)
        return answers.least_loss(
            problem, plan, needs(problem, tables, better_than=better) if wanted else None
        )
    return answers.least_cost_by_trial(problem, plan, lambda freer: best(freer, tables))


@dataclasses.dataclass(frozen=True)
class _Costs:
    """Total delay and energy of one width, (F, G) each."""

    delay_s: Table
    energy_j: Table

    @classmethod
    def of(cls, tables: Tables, row: int) -> _Costs:
        """Return the costs of one width."""
        return cls(delay_s=tables.delay_s[row], energy_j=tables.energy_j[row])

    def fit(self, budget: Budget) -> Mask:
        """Say which settings keep both budgets."""
        fit: Mask = (self.delay_s <= budget.delay_s) & (self.energy_j <= budget.energy_j)
        if np.inf in (budget.delay_s, budget.energy_j):
            fit &= np.isfinite(self.delay_s)  # what cannot be had costs inf, which inf allows
        return fit


def best(problem: Problem, tables: Tables) -> Point | None:
    """Return the best setting within the budgets, None where there is none."""
    good = sorted(problem.good_widths, key=lambda pair: (pair[1], -pair[0]))
    groups: Iterable[Sequence[tuple[int, float]]] = [good]
    if problem.objective is Objective.LOSS:  # what is worse need not be looked at
        groups = [list(group) for _, group in itertools.groupby(good, key=lambda pair: pair[1])]
    for group in groups:
        found = [_best_of_width(problem, tables, bits, loss) for bits, loss in group]
        plan = min(
            filter(None, found), key=lambda plan: (problem.key(plan), -plan.bits), default=None
        )
        if plan is not None:
            return plan
    return None


def _best_of_width(problem: Problem, tables: Tables, bits: int, loss: float) -> Point | None:
    row = tables.widths.index(bits)
    if problem.objective is Objective.DELAY:
        return fastest(tables, row, problem.budget)
    if problem.objective is not Objective.WEIGHTED:
        return cheapest(tables, row, problem.budget)
    costs = _Costs.of(tables, row)
    fit = costs.fit(problem.budget)
    energy_j, delay_s = (np.where(fit, cost, 0.0) for cost in (costs.energy_j, costs.delay_s))
    value = problem.weights.value(loss, energy_j, delay_s)
    return _first(tables, row, costs, fit & (value == _least(value, fit)), by_delay=False)


def cheapest(tables: Tables, row: int, budget: Budget) -> Point | None:
    """Return the setting of one width of least energy, then delay; None where none fits."""
    costs = _Costs.of(tables, row)
    return _first(tables, row, costs, costs.fit(budget), by_delay=False)


def fastest(tables: Tables, row: int, budget: Budget) -> Point | None:
    """Return the setting of one width of least delay, then energy; None where none fits."""
    costs = _Costs.of(tables, row)
    return _first(tables, row, costs, costs.fit(budget), by_delay=True)


def _first(tables: Tables, row: int, costs: _Costs, mask: Mask, *, by_delay: bool) -> Point | None:
    """Return the setting of least energy (or delay) where ``mask`` holds, then of least other."""
    if not mask.any():
        return None
    leading, other = costs.energy_j, costs.delay_s
    if by_delay:
        leading, other = other, leading
    ties = mask & (leading == _least(leading, mask))
    place = int(np.argmin(np.where(ties, other, np.inf)))
    robot, edge = np.unravel_index(place, mask.shape)
    return Point(
        bits=tables.widths[row],
        robot_clock_hz=tables.robot_clocks_hz[robot],
        edge_clock_hz=tables.edge_clocks_hz[edge],
        delay_s=float(costs.delay_s[robot, edge]),
        energy_j=float(costs.energy_j[robot, edge]),
    )


def needs(problem: Problem, tables: Tables, *, better_than: float | None = None) -> Needs:
    """Return the least that any wanted width needs of each budget, the other held.

    :param better_than: wanted are the widths whose loss is allowed and less than this, which may
        be inf; None: all that are allowed.
    """
    delays, energies = [], []
    for bits, loss in problem.good_widths:
        if better_than is not None and loss >= better_than:
            continue
        costs = _Costs.of(tables, tables.widths.index(bits))
        affordable = costs.energy_j <= problem.budget.energy_j
        in_time = costs.delay_s <= problem.budget.delay_s
        delays.append((_least(costs.delay_s, affordable), bits))
        energies.append((_least(costs.energy_j, in_time), bits))
    return Needs(_smallest(delays), _smallest(energies))


def _least(table: Table, mask: Mask) -> float:
    """Return the least entry where ``mask`` holds, inf where nowhere."""
    return float(np.min(table, where=mask, initial=np.inf))


def _smallest(needs: list[tuple[float, int]]) -> tuple[float, int] | None:
    least = min(needs, default=(np.inf, 0))
    return least if np.isfinite(least[0]) else None
