# SPDX-License-Identifier: Apache-2.0
"""Tests of the solver over tables against loops over every setting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT, Budget, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Policy,
    Solution,
    Status,
    Tables,
    analytic_tables,
    fallback,
    paper_problem,
    solve,
)
from coinfer_ros.core.optimizer.exhaustive import every_setting

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


def laden(tables: Tables, overhead: tuple[float, float]) -> Tables:
    return tables.with_overhead(delay_s=overhead[0], energy_j=overhead[1])


def solved(tables: Tables, budget: Budget, overhead: tuple[float, float] = (0.0, 0.0)) -> Solution:
    """Return the exact answer to (P1) over tables."""
    return solve(paper_problem(laden(tables, overhead), budget))


@given(tables_of(), BUDGETS, OVERHEADS)
def test_the_plan_is_the_first_of_all_settings_by_bits_energy_and_delay(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    found = solved(tables, budget, overhead)
    fitting = [
        point
        for point in list(every_setting(laden(tables, overhead)))
        if point.delay_s <= budget.delay_s and point.energy_j <= budget.energy_j
    ]
    if fitting:
        best = min(fitting, key=lambda point: (-point.bits, point.energy_j, point.delay_s))
        assert found.status is Status.OPTIMAL
        assert found.plan == best
    else:
        assert found.status is Status.INFEASIBLE
        assert found.plan is None


@given(tables_of(), BUDGETS, OVERHEADS)
def test_nearest_budgets_are_the_least_over_all_settings(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    found = solved(tables, budget, overhead)
    points = list(every_setting(laden(tables, overhead)))
    delays = [p.delay_s for p in points if p.energy_j <= budget.energy_j]
    energies = [p.energy_j for p in points if p.delay_s <= budget.delay_s]
    if found.status is Status.INFEASIBLE:
        assert found.nearest_delay_s == min(delays, default=None)
        assert found.nearest_energy_j == min(energies, default=None)
    else:
        assert found.nearest_delay_s is None
        assert found.nearest_energy_j is None


# One bit loses without bound, so what is better than it is not "anything".
@example(
    Tables((1, 2), (1e9,), (2e9,), np.zeros((2, 1)), np.array([[0.0], [0.25]]), *[np.zeros(1)] * 2),
    Budget(0.25, 0.125),
    (0.0, 0.0),
)
@given(tables_of(), BUDGETS, OVERHEADS)
def test_binding_says_which_budget_alone_would_let_a_wider_width_in(
    tables: Tables, budget: Budget, overhead: tuple[float, float]
) -> None:
    found = solved(tables, budget, overhead)
    wanted = [p for p in list(every_setting(laden(tables, overhead))) if p.bits > (found.bits or 0)]
    without_delay = any(p.energy_j <= budget.energy_j for p in wanted)
    without_energy = any(p.delay_s <= budget.delay_s for p in wanted)
    if found.bits == tables.widths[-1]:
        assert found.binding == "max_bits"
    elif without_energy:
        assert found.binding == "energy"
        assert (" (or, " in found.message) == without_delay
    else:
        assert found.binding == ("delay" if without_delay else "delay+energy")


@given(tables_of(), BUDGETS, OVERHEADS, st.sampled_from(Policy))
def test_what_runs_while_nothing_fits_is_what_the_policy_keeps(
    tables: Tables, budget: Budget, overhead: tuple[float, float], policy: Policy
) -> None:
    points = list(every_setting(laden(tables, overhead)))
    cheap = [point for point in points if point.energy_j <= budget.energy_j]
    quick = [point for point in points if point.delay_s <= budget.delay_s]
    by_energy = {"key": lambda p: (p.energy_j, p.delay_s), "default": None}
    by_delay = {"key": lambda p: (p.delay_s, p.energy_j), "default": None}
    expected = {
        Policy.STOP: lambda: None,
        Policy.KEEP_ENERGY: lambda: min(cheap, **by_delay) or min(points, **by_energy),
        Policy.KEEP_DELAY: lambda: min(quick, **by_energy) or min(points, **by_delay),
        Policy.BEST_EFFORT: lambda: min(
            points,
            key=lambda p: (
                max(_share(p.delay_s, budget.delay_s), _share(p.energy_j, budget.energy_j)),
                p.energy_j,
                -p.bits,
            ),
            default=None,
        ),
    }[policy]()
    found = fallback([laden(tables, overhead)], budget, policy)
    assert found == (None if expected is None else (0, expected))


def _share(cost: float, budget: float) -> float:
    return cost / budget if budget < math.inf else 0.0


@pytest.mark.slow
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
    stepped = solved(tables, budget)
    free = solve(paper_problem(PAPER, budget, range(1, 17)))
    assert (stepped.bits or 0) <= (free.bits or 0)
    if stepped.plan is None or free.plan is None:
        return
    if stepped.bits == free.bits:
        assert stepped.plan.energy_j >= free.plan.energy_j * (1 - 1e-12)
    # Clocks rounded up to their steps keep the delay; the energy then has this to spare.
    rounded = [
        min(f_max, math.ceil(f / (f_max / steps)) * (f_max / steps))
        for f, f_max in ((free.plan.robot_clock_hz, 2e9), (free.plan.edge_clock_hz, 10e9))
    ]
    spared = PAPER.energy_j(free.bits, *rounded)
    if spared <= energy_j * (1 - 1e-12):
        assert stepped.bits == free.bits
        assert stepped.plan.energy_j <= spared * (1 + 1e-12)


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
        found = solved(tables, budget)
        fits = (delay_s <= budget.delay_s) & (energy_j <= budget.energy_j)
        rows = np.flatnonzero(fits.any(axis=(1, 2)))
        assert found.bits == (None if rows.size == 0 else rows[-1] + 2)
        if rows.size:
            assert found.plan.energy_j == energy_j[rows[-1]][fits[rows[-1]]].min()


def test_overheads_count_against_the_budgets() -> None:
    tables = analytic_tables(
        PAPER, widths=(4, 5), robot_clocks_hz=[1e9, 2e9], edge_clocks_hz=[1e9, 2e9]
    )
    free = solved(tables, BLIP2_BUDGET)
    tight = solved(tables, BLIP2_BUDGET, (0.5, 0.25))
    assert (free.bits, tight.bits) == (5, 4)
    assert tight.plan.delay_s == pytest.approx(PAPER.delay_s(4, 2e9, 2e9) + 0.5, rel=1e-15)
    assert tight.plan.energy_j == pytest.approx(PAPER.energy_j(4, 2e9, 2e9) + 0.25, rel=1e-15)


@pytest.mark.parametrize("policy", Policy)
def test_nothing_can_run_where_nothing_can_be_had(policy: Policy) -> None:
    none = np.array([[np.inf]])
    tables = Tables((4,), (1e9,), (1e9,), none, none, np.ones(1), np.ones(1))
    assert fallback([tables], BLIP2_BUDGET, policy) is None
    found = solved(tables, BLIP2_BUDGET)
    assert found.binding == "delay+energy"
    assert found.message.endswith(
        "the delay budget of 3.5 s and the energy budget of 2 J are both too small"
    )


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, "1"])
@pytest.mark.parametrize("name", ["delay_s", "energy_j"])
def test_an_overhead_that_is_no_cost_is_refused(name: str, value: float) -> None:
    one = np.ones((1, 1))
    tables = Tables((4,), (1e9,), (1e9,), one, one, np.ones(1), np.ones(1))
    with pytest.raises(InvalidInput, match=rf"^overhead {name} must be .*, got "):
        tables.with_overhead(**{"delay_s": 0.0, "energy_j": 0.0, name: value})
