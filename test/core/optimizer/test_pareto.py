# SPDX-License-Identifier: Apache-2.0
"""Tests of the frontier against its definition: every setting compared with every other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Objective,
    Point,
    Problem,
    Quality,
    Tables,
    solve,
)
from coinfer_ros.core.optimizer.exhaustive import every_setting
from coinfer_ros.core.optimizer.pareto import frontier

# Few values, exact in binary: ties of every kind are common and sums have no rounding.
COSTS = st.integers(0, 6).map(lambda n: n / 4)
LOSSES = st.sampled_from([0.0, 0.5, 1.0, math.inf])
BUDGETS = st.builds(Budget, *[st.integers(1, 12).map(lambda n: n / 4) | st.just(math.inf)] * 2)
Case = tuple[Tables, Quality]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Tables without any order, with settings that cannot be had, and losses of their widths."""
    widths = tuple(sorted(draw(st.sets(st.integers(1, 16), min_size=1, max_size=4))))
    robot, edge = draw(st.integers(1, 4)), draw(st.integers(1, 4))

    def costs(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        delay_s, energy_j = (draw(arrays.arrays(float, shape, elements=COSTS)) for _ in range(2))
        absent = draw(arrays.arrays(bool, shape))
        return np.where(absent, np.inf, delay_s), np.where(absent, np.inf, energy_j)

    (robot_s, robot_j), (edge_s, edge_j) = costs((len(widths), robot)), costs((edge,))
    robot_hz = tuple(1e9 * (i + 1) for i in range(robot))
    edge_hz = tuple(2e9 * (i + 1) for i in range(edge))
    tables = Tables(widths, robot_hz, edge_hz, robot_s, robot_j, edge_s, edge_j)
    return tables, Quality(widths, tuple(draw(LOSSES) for _ in widths))


def costs_of(point: Point, quality: Quality) -> tuple[float, float, float]:
    loss = quality.losses[quality.widths.index(point.bits)]
    return point.delay_s, point.energy_j, loss


def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


@given(cases(), BUDGETS)
def test_the_frontier_is_what_no_other_setting_beats_with_one_of_each_that_are_equal(
    case: Case, budget: Budget
) -> None:
    tables, quality = case
    # Wider first, then in the order of clocks: of equal ones the first stays.
    first = {costs_of(point, quality): point for point in reversed(list(every_setting(tables)))}
    expected = {
        point
        for costs, point in first.items()
        if budget.kept(point.delay_s, point.energy_j)
        and not any(beats(other, costs) for other in first)
    }
    found = frontier(tables, quality, budget)
    assert set(found) == expected
    assert list(found) == sorted(found, key=lambda point: (point.bits, point.delay_s))
    assert len(found) == len(expected)


@given(cases(), BUDGETS, st.sampled_from([Objective.LOSS, Objective.ENERGY, Objective.DELAY]))
def test_the_plan_of_every_objective_is_on_the_frontier(
    case: Case, budget: Budget, objective: Objective
) -> None:
    tables, quality = case
    problem = Problem(tables, budget, quality, objective)
    found = frontier(tables, quality, budget)
    plan = solve(problem).plan
    assert (plan in found) if found else plan is None


def test_of_fifteen_widths_and_sixty_four_steps_a_side_only_what_is_beaten_is_left_out() -> None:
    rng = np.random.default_rng(3)
    losses = rng.integers(0, 6, 15) / 4.0  # ties, and not falling with the width
    tables = Tables(
        widths=tuple(range(2, 17)),
        robot_clocks_hz=tuple(range(1, 65)),
        edge_clocks_hz=tuple(range(1, 65)),
        robot_delay_s=rng.uniform(0.0, 1.0, (15, 64)),
        robot_energy_j=rng.uniform(0.0, 1.0, (15, 64)),
        edge_delay_s=rng.uniform(0.0, 1.0, 64),
        edge_energy_j=rng.uniform(0.0, 1.0, 64),
    )
    quality = Quality(tables.widths, tuple(losses.tolist()))
    found = frontier(tables, quality, Budget())
    every = np.stack(
        np.broadcast_arrays(tables.delay_s, tables.energy_j, losses[:, None, None]), axis=-1
    ).reshape(-1, 3)
    beaten = np.zeros(len(every), bool)
    for costs in (np.array(costs_of(point, quality)) for point in found):
        beaten |= (costs <= every).all(axis=1) & (costs < every).any(axis=1)
    assert {tuple(costs) for costs in every[~beaten]} == {costs_of(p, quality) for p in found}
    assert 0 < len(found) < beaten.sum()


def test_costs_too_great_for_a_float_are_no_setting() -> None:
    most = np.finfo(float).max
    tables = Tables((4,), (1e9,), (1e9,), [[1.0]], [[most]], [1.0], [most])
    with np.errstate(over="ignore"):
        assert frontier(tables, Quality((4,), (0.0,)), Budget()) == ()


def test_losses_of_other_widths_are_refused() -> None:
    tables = Tables((4,), (1e9,), (1e9,), [[1.0]], [[1.0]], [1.0], [1.0])
    with pytest.raises(InvalidInput, match=r"those of the tables, \(4,\), got \(2,\)"):
        frontier(tables, Quality((2,), (0.0,)), Budget())
