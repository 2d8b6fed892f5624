# SPDX-License-Identifier: Apache-2.0
"""Several ways to do the work are one problem: its best setting, what binds, what would help."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Objective,
    Policy,
    Problem,
    Quality,
    Status,
    Tables,
    fallback,
    solve,
    solve_among,
    solve_exhaustively,
)

WIDTHS = (2, 4, 8)


def problem(rng, budget, objective=Objective.LOSS, losses=None) -> Problem:
    draw = rng.integers
    tables = Tables(
        widths=WIDTHS,
        robot_clocks_hz=(1e9, 2e9),
        edge_clocks_hz=(1e9, 2e9),
        robot_delay_s=draw(1, 9, (3, 2)).astype(float),
        robot_energy_j=draw(1, 9, (3, 2)).astype(float),
        edge_delay_s=draw(1, 9, 2).astype(float),
        edge_energy_j=draw(1, 9, 2).astype(float),
    )
    quality = Quality(WIDTHS, tuple(losses or draw(0, 6, 3).astype(float)))
    return Problem(tables, budget, quality, objective)


def budgets():
    return st.builds(Budget, st.integers(1, 18).map(float), st.integers(1, 18).map(float))


@given(
    st.integers(0, 10**6),
    budgets(),
    st.integers(1, 4),
    st.sampled_from([Objective.LOSS, Objective.ENERGY, Objective.DELAY]),
)
def test_the_best_is_the_best_of_all_settings_of_all_ways(seed, budget, count, objective):
    rng = np.random.default_rng(seed)
    problems = [problem(rng, budget, objective) for _ in range(count)]
    place, solution = solve_among(problems)
    found = [(one, solve_exhaustively(one, one.costs).plan) for one in problems]
    keys = [one.key(plan) for one, plan in found if plan is not None]
    if place is None:
        assert not keys
        assert solution.status is Status.INFEASIBLE
    else:
        assert problems[place].key(solution.plan) == min(keys)


@given(st.integers(0, 10**6), budgets(), st.integers(1, 4))
def test_the_nearest_budgets_are_enough_and_nothing_less_is(seed, budget, count):
    rng = np.random.default_rng(seed)
    problems = [problem(rng, budget) for _ in range(count)]
    place, solution = solve_among(problems)
    if place is not None:
        return

    def feasible(**changes):
        changed = dataclasses.replace(budget, **changes)
        return solve_among([dataclasses.replace(p, budget=changed) for p in problems])[0]

    for name in ("delay_s", "energy_j"):
        nearest = getattr(solution, f"nearest_{name}")
        if nearest is None:
            assert feasible(**{name: 1e9}) is None
        else:
            assert feasible(**{name: nearest}) is not None
            assert feasible(**{name: np.nextafter(nearest, 0.0)}) is None


@given(st.integers(0, 10**6), budgets())
def test_of_one_way_it_says_what_the_solver_says(seed, budget):
    one = problem(np.random.default_rng(seed), budget)
    place, solution = solve_among([one])
    assert solution == solve(one)
    assert place == (0 if solution.plan else None)


@given(st.integers(0, 10**6), budgets(), st.sampled_from(list(Policy)))
def test_what_runs_while_nothing_fits_is_the_best_over_all_ways(seed, budget, policy):
    rng = np.random.default_rng(seed)
    tables = [problem(rng, budget).costs for _ in range(3)]
    found = fallback(tables, budget, policy)
    alone = [fallback([one], budget, policy) for one in tables]
    if policy is Policy.STOP:
        assert found is None
        return

    def worth(point):
        over = (point.delay_s / budget.delay_s, point.energy_j / budget.energy_j)
        return {
            Policy.KEEP_ENERGY: (max(over[1], 1.0), point.delay_s)
            if any(p.energy_j <= budget.energy_j for _, p in alone)
            else (point.energy_j, point.delay_s),
            Policy.KEEP_DELAY: (max(over[0], 1.0), point.energy_j)
            if any(p.delay_s <= budget.delay_s for _, p in alone)
            else (point.delay_s, point.energy_j),
            Policy.BEST_EFFORT: (max(over), point.energy_j),
        }[policy]

    assert worth(found[1]) == min(worth(point) for _, point in alone)
    assert alone[found[0]][1] == found[1]


def test_a_way_that_is_never_good_enough_is_named_when_all_are():
    rng, budget = np.random.default_rng(0), Budget(99.0, 99.0)
    problems = [
        dataclasses.replace(problem(rng, budget, losses=losses), loss_max=0.5)
        for losses in ((5.0, 4.0, 3.0), (2.0, 1.0, 0.75))
    ]
    place, solution = solve_among(problems)
    assert place is None
    assert solution.binding == "quality"
    assert "0.75" in solution.message


def test_no_way_at_all_is_refused():
    with pytest.raises(InvalidInput, match=r"^problems must hold at least one, got none"):
        solve_among([])
