# SPDX-License-Identifier: Apache-2.0
"""Tests of the solver over tables against loops over every setting."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT, Budget, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Point,
    Solution,
    Status,
    Tables,
    analytic_tables,
    best_effort,
    solve_continuous,
    solve_stepped,
)

# Few values, exact in binary: ties of every kind are common and sums have no rounding.
COSTS = st.integers(0, 6).map(lambda n: n / 4)
PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)


@st.composite
def tables_of(draw: st.DrawFn, *, holes: bool = True) -> Tables:
    """Tables without any order, with settings that cannot be had."""
    widths = tuple(sorted(draw(st.sets(st.integers(1, 16), min_size=1, max_size=3))))
    robot, edge = draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def costs(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        delay_s, energy_j = (draw(arrays.arrays(float, shape, elements=COSTS)) for _ in range(2))
        absent = draw(arrays.arrays(bool, shape)) & draw(st.just(holes))
        return np.where(absent, np.inf, delay_s), np.where(absent, np.inf, energy_j)

    robot_delay_s, robot_energy_j = costs((len(widths), robot))
    edge_delay_s, edge_energy_j = costs((edge,))
    return Tables(
        widths=widths,
        robot_clocks_hz=tuple(1e9 * (i + 1) for i in range(robot)),
        edge_clocks_hz=tuple(2e9 * (i + 1) for i in range(edge)),
        robot_delay_s=robot_delay_s,
        robot_energy_j=robot_energy_j,
        edge_delay_s=edge_delay_s,
        edge_energy_j=edge_energy_j,
    )


BUDGETS = st.builds(Budget, *[st.integers(1, 16).map(lambda n: n / 4)] * 2)
OVERHEADS = st.tuples(COSTS, COSTS)


def every_setting(tables: Tables, overhead: tuple[float, float]) -> list[Point]:
    """All settings that can be had, one by one, widest and first-named first."""
    settings = itertools.product(
        reversed(range(len(tables.widths))),
        range(len(tables.robot_clocks_hz)),
        range(len(tables.edge_clocks_hz)),
    )
    points = [
        Point(
            tables.widths[b],
            tables.robot_clocks_hz[r],
            tables.edge_clocks_hz[e],
            tables.robot_delay_s[b, r] + tables.edge_delay_s[e] + overhead[0],
            tables.robot_energy_j[b, r] + tables.edge_energy_j[e] + overhead[1],
        )
        for b, r, e in settings
    ]
    return [point for point in points if point.delay_s < math.inf]


def plan_of(found: Solution) -> tuple[object, ...]:
    return (
        found.bits,
        found.robot_clock_hz,
        found.edge_clock_hz,
        found.delay_s,
        found.energy_j,
    )


@given(tables_of(), BUDGETS, OVERHEADS)
def test_the_plan_is_the_first_of_all_settings_by_bits_energy_and_delay(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    found = solve_stepped(tables, budget, overhead_s=overhead[0], overhead_j=overhead[1])
    fitting = [
        point
        for point in every_setting(tables, overhead)
        if point.delay_s <= budget.delay_s and point.energy_j <= budget.energy_j
    ]
    if fitting:
        best = min(fitting, key=lambda point: (-point.bits, point.energy_j, point.delay_s))
        assert found.status is Status.OPTIMAL
        assert plan_of(found) == (
            best.bits,
            best.robot_clock_hz,
            best.edge_clock_hz,
            best.delay_s,
            best.energy_j,
        )
    else:
        assert found.status is Status.INFEASIBLE
        assert plan_of(found) == (None,) * 5


@given(tables_of(), BUDGETS, OVERHEADS)
def test_nearest_budgets_are_the_least_over_all_settings(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    found = solve_stepped(tables, budget, overhead_s=overhead[0], overhead_j=overhead[1])
    points = every_setting(tables, overhead)
    delays = [p.delay_s for p in points if p.energy_j <= budget.energy_j]
    energies = [p.energy_j for p in points if p.delay_s <= budget.delay_s]
    if found.status is Status.INFEASIBLE:
        assert found.nearest_delay_s == min(delays, default=None)
        assert found.nearest_energy_j == min(energies, default=None)
    else:
        assert found.nearest_delay_s is None
        assert found.nearest_energy_j is None


@given(tables_of(), BUDGETS, OVERHEADS)
def test_binding_says_which_budget_alone_would_let_a_wider_width_in(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    found = solve_stepped(tables, budget, overhead_s=overhead[0], overhead_j=overhead[1])
    wanted = [p for p in every_setting(tables, overhead) if p.bits > (found.bits or 0)]
    without_delay = any(p.energy_j <= budget.energy_j for p in wanted)
    without_energy = any(p.delay_s <= budget.delay_s for p in wanted)
    if found.bits == tables.widths[-1]:
        assert found.binding == "max_bits"
    elif without_energy:
        assert found.binding == "energy"
        assert (" (or, " in found.message) == without_delay
    else:
        assert found.binding == ("delay" if without_delay else "delay+energy")


@given(tables_of(), BUDGETS, OVERHEADS)
def test_best_effort_is_the_fastest_within_the_energy_else_the_cheapest(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    points = every_setting(tables, overhead)
    affordable = [point for point in points if point.energy_j <= budget.energy_j]
    if affordable:
        expected = min(affordable, key=lambda point: (point.delay_s, point.energy_j))
    else:
        expected = min(points, key=lambda p: (p.energy_j, p.delay_s), default=None)
    effort = best_effort(tables, budget, overhead_s=overhead[0], overhead_j=overhead[1])
    assert effort == expected


@given(st.floats(0.5, 20.0), st.floats(0.01, 20.0))
def test_fine_steps_of_the_analytic_model_approach_the_continuous_plan(
    delay_s: float, energy_j: float
) -> None:
    steps = 400
    tables = analytic_tables(
        PAPER,
        widths=range(1, 17),
        robot_clocks_hz=np.linspace(2e9 / steps, 2e9, steps).tolist(),
        edge_clocks_hz=np.linspace(10e9 / steps, 10e9, steps).tolist(),
    )
    budget = Budget(delay_s, energy_j)
    stepped, free = (
        solve_stepped(tables, budget),
        solve_continuous(PAPER, budget, range(1, 17)),
    )
    assert (stepped.bits or 0) <= (free.bits or 0)
    if stepped.bits is None:
        return
    if stepped.bits == free.bits:
        assert stepped.energy_j >= free.energy_j * (1 - 1e-12)
    # Clocks rounded up to their steps keep the delay; the energy then has this to spare.
    rounded = [
        min(f_max, math.ceil(f / (f_max / steps)) * (f_max / steps))
        for f, f_max in ((free.robot_clock_hz, 2e9), (free.edge_clock_hz, 10e9))
    ]
    spared = PAPER.energy_j(free.bits, *rounded)
    if spared <= energy_j * (1 - 1e-12):
        assert stepped.bits == free.bits
        assert stepped.energy_j <= spared * (1 + 1e-12)


def test_fifteen_widths_and_sixty_four_steps_a_side_agree_with_one_big_table() -> None:
    rng = np.random.default_rng(3)
    tables = Tables(
        widths=tuple(range(2, 17)),
        robot_clocks_hz=tuple(range(1, 65)),
        edge_clocks_hz=tuple(range(1, 65)),
        robot_delay_s=rng.uniform(0.0, 1.0, (15, 64)),
        robot_energy_j=rng.uniform(0.0, 1.0, (15, 64)),
        edge_delay_s=rng.uniform(0.0, 1.0, 64),
        edge_energy_j=rng.uniform(0.0, 1.0, 64),
    )
    delay_s = tables.robot_delay_s[:, :, None] + tables.edge_delay_s
    energy_j = tables.robot_energy_j[:, :, None] + tables.edge_energy_j
    for budget in (Budget(0.1, 0.1), Budget(0.05, 0.2), Budget(0.2, 0.05), Budget(1e-6, 1e-6)):
        found = solve_stepped(tables, budget)
        fits = (delay_s <= budget.delay_s) & (energy_j <= budget.energy_j)
        rows = np.flatnonzero(fits.any(axis=(1, 2)))
        assert found.bits == (None if rows.size == 0 else rows[-1] + 2)
        if rows.size:
            assert found.energy_j == energy_j[rows[-1]][fits[rows[-1]]].min()


def test_overheads_count_against_the_budgets() -> None:
    tables = analytic_tables(
        PAPER, widths=(4, 5), robot_clocks_hz=[1e9, 2e9], edge_clocks_hz=[1e9, 2e9]
    )
    free = solve_stepped(tables, BLIP2_BUDGET)
    tight = solve_stepped(tables, BLIP2_BUDGET, overhead_s=0.5, overhead_j=0.25)
    assert (free.bits, tight.bits) == (5, 4)
    assert tight.delay_s == pytest.approx(PAPER.delay_s(4, 2e9, 2e9) + 0.5, rel=1e-15)
    assert tight.energy_j == pytest.approx(PAPER.energy_j(4, 2e9, 2e9) + 0.25, rel=1e-15)


def test_best_effort_of_nothing_is_nothing() -> None:
    none = np.array([[np.inf]])
    tables = Tables((4,), (1e9,), (1e9,), none, none, np.ones(1), np.ones(1))
    assert best_effort(tables, BLIP2_BUDGET) is None
    found = solve_stepped(tables, BLIP2_BUDGET)
    assert found.binding == "delay+energy"
    assert found.message.endswith(
        "the delay budget of 3.5 s and the energy budget of 2 J are both too small"
    )


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, "1"])
@pytest.mark.parametrize("name", ["overhead_s", "overhead_j"])
def test_an_overhead_that_is_no_cost_is_refused(name: str, value: float) -> None:
    one = np.ones((1, 1))
    tables = Tables((4,), (1e9,), (1e9,), one, one, np.ones(1), np.ones(1))
    for solve in (solve_stepped, best_effort):
        with pytest.raises(InvalidInput, match=rf"^{name} must be .*, got "):
            solve(tables, BLIP2_BUDGET, **{name: value})
