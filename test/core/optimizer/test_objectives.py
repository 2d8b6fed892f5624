# SPDX-License-Identifier: Apache-2.0
"""Every objective, over tables against every setting and over free clocks against a search."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import optimize

from coinfer_ros.core.costs import (
    BLIP2,
    GIT,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    Link,
    Processor,
    System,
)
from coinfer_ros.core.optimizer import (
    Objective,
    Problem,
    Quality,
    Status,
    Tables,
    Weights,
    solve,
    solve_exhaustively,
)
from coinfer_ros.core.optimizer.exhaustive import every_setting

# Few values, exact in binary: ties of every kind are common and sums have no rounding.
QUARTERS = st.integers(0, 6).map(lambda n: n / 4)
BUDGET = st.integers(1, 16).map(lambda n: n / 4) | st.just(math.inf)
LOSS = st.integers(-2, 4).map(float) | st.just(math.inf)


@st.composite
def table_problems(draw: st.DrawFn) -> Problem:
    """Problems over tables and losses without any order, with settings that cannot be had."""
    widths = tuple(sorted(draw(st.sets(st.integers(1, 16), min_size=1, max_size=4))))
    robot, edge = draw(st.integers(1, 3)), draw(st.integers(1, 3))

    def costs(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        absent = draw(arrays.arrays(bool, shape))
        delay_s, energy_j = (draw(arrays.arrays(float, shape, elements=QUARTERS)) for _ in "de")
        return np.where(absent, np.inf, delay_s), np.where(absent, np.inf, energy_j)

    robot_delay_s, robot_energy_j = costs((len(widths), robot))
    edge_delay_s, edge_energy_j = costs((edge,))
    tables = Tables(
        widths=widths,
        robot_clocks_hz=tuple(1e9 * (i + 1) for i in range(robot)),
        edge_clocks_hz=tuple(2e9 * (i + 1) for i in range(edge)),
        robot_delay_s=robot_delay_s,
        robot_energy_j=robot_energy_j,
        edge_delay_s=edge_delay_s,
        edge_energy_j=edge_energy_j,
    )
    weights = draw(st.sampled_from([(1, 0, 0), (0, 1, 0), (0, 0, 4), (1, 0.5, 2), (0, 1, 1)]))
    return Problem(
        tables,
        draw(st.builds(Budget, BUDGET, BUDGET)),
        Quality(widths, tuple(draw(LOSS) for _ in widths)),
        draw(st.sampled_from(Objective)),
        draw(st.just(math.inf) | st.integers(-2, 4).map(float)),
        Weights(*weights),
    )


@given(table_problems())
def test_over_tables_the_plan_is_the_one_that_looking_at_every_setting_finds(
    problem: Problem,
) -> None:
    assert isinstance(problem.costs, Tables)
    found, expected = solve(problem), solve_exhaustively(problem, problem.costs)
    assert (found.status, found.plan) == (expected.status, expected.plan)
    assert (found.objective, found.bound) == (expected.objective, expected.bound)


@pytest.mark.slow
def test_over_thousands_of_tables_full_of_ties_both_agree_for_every_objective() -> None:
    rng = np.random.default_rng(11)
    outcomes = set()
    for _ in range(3000):
        shape = (rng.integers(1, 5), rng.integers(1, 4), rng.integers(1, 4))
        widths = tuple(sorted(rng.choice(np.arange(1, 9), shape[0], replace=False).tolist()))
        robot_s, robot_j = rng.integers(0, 6, (2, *shape[:2])) / 4
        edge_s, edge_j = rng.integers(0, 6, (2, shape[2])) / 4
        tables = Tables(
            widths=widths,
            robot_clocks_hz=tuple(1e9 * (i + 1) for i in range(shape[1])),
            edge_clocks_hz=tuple(1e9 * (i + 1) for i in range(shape[2])),
            robot_delay_s=robot_s,
            robot_energy_j=robot_j,
            edge_delay_s=edge_s,
            edge_energy_j=edge_j,
        )
        quality = Quality(widths, tuple((rng.integers(0, 4, shape[0]) / 2).tolist()))
        budget = Budget(*(rng.integers(1, 9, 2) / 4).tolist())
        objective = rng.choice(np.array(Objective))
        problem = Problem(tables, budget, quality, objective, 1.0, Weights(1.0, 0.5, 2.0))
        found, expected = solve(problem), solve_exhaustively(problem, tables)
        assert (found.status, found.plan) == (expected.status, expected.plan)
        outcomes.add((objective, found.status))
    assert len(outcomes) == 8


@given(table_problems())
def test_over_tables_the_binding_budget_is_one_that_would_lower_the_objective_alone(
    problem: Problem,
) -> None:
    assert isinstance(problem.costs, Tables)
    found = solve(problem)
    if found.plan is None or problem.objective is Objective.LOSS:
        return
    lower = {
        name
        for name, changes in {
            "delay": {"budget": Budget(energy_j=problem.budget.energy_j)},
            "energy": {"budget": Budget(problem.budget.delay_s)},
            "quality": {"loss_max": math.inf},
        }.items()
        if solve_exhaustively(dataclasses.replace(problem, **changes), problem.costs).objective
        < found.objective
    }
    budgets = "+".join(name for name in ("delay", "energy") if name in lower)
    assert found.binding == (budgets or ("quality" if lower else "none"))


@given(table_problems())
def test_over_tables_nearest_budgets_are_the_least_that_have_a_plan(problem: Problem) -> None:
    assert isinstance(problem.costs, Tables)
    found = solve(problem)
    if found.status is not Status.INFEASIBLE:
        return
    good = [at for at in every_setting(problem.costs) if problem.loss(at.bits) <= problem.loss_max]
    budget = problem.budget
    assert found.nearest_delay_s == min(
        (at.delay_s for at in good if at.energy_j <= budget.energy_j), default=None
    )
    assert found.nearest_energy_j == min(
        (at.energy_j for at in good if at.delay_s <= budget.delay_s), default=None
    )


def spread(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers over many decades, evenly in their logarithm."""
    return st.floats(math.log(low), math.log(high)).map(math.exp)


POWERS = st.just(0.0) | spread(1e-3, 1e2)
LINKS = st.builds(Link, spread(1e3, 1e7), spread(1e6, 1e9), spread(1e-4, 0.1), POWERS)


@st.composite
def system_problems(draw: st.DrawFn) -> Problem:
    """The paper's machines with static power and a link, budgets around what they can do."""

    def machine(base: Processor) -> Processor:
        return dataclasses.replace(base, static_w=draw(POWERS))

    system = System(
        machine(PAPER_ROBOT), machine(PAPER_EDGE), draw(st.sampled_from([BLIP2, GIT])), draw(LINKS)
    )
    bits = draw(st.integers(1, 16))
    fastest_s = system.delay_s(bits, 2e9, 10e9)
    middle_j = system.energy_j(bits, 1.6e9, 3e9)
    return Problem(
        system,
        Budget(fastest_s * draw(spread(0.8, 6.0)), middle_j * draw(spread(0.2, 5.0))),
        Quality.of_law(range(1, 17)),
        draw(st.sampled_from(Objective)),
        draw(st.sampled_from([math.inf, 0.3, 0.05])),
        Weights(draw(spread(1e-2, 1e2)), draw(spread(1e-2, 1e2)), draw(spread(1e-2, 1e2))),
    )


def searched(problem: Problem) -> float:
    """Return the least objective by a search that uses none of the theory; inf if none was found.

    For each width a fine grid of robot clocks; for each the edge clock that is best is one of few:
    the slowest in time, the fastest affordable, the greatest, or where its own costs are least.
    """
    system, budget = problem.costs, problem.budget
    assert isinstance(system, System)
    best = math.inf
    edge = system.edge
    edge_flop = system.workload.edge_flop_in_all
    grid = np.linspace(1e-2, 10.0, 600) * 1e9
    for bits, loss in problem.good_widths:
        robot_flop = system.workload.robot_flop_at(bits)
        robot_hz = np.geomspace(2e7, 2e9, 160)[:, None]
        delay_s = system.robot.delay_s(robot_flop, robot_hz) + (
            edge.delay_s(edge_flop, grid) + system.link.delay_s
        )
        energy_j = system.robot.energy_j(robot_flop, robot_hz) + (
            edge.energy_j(edge_flop, grid) + system.link.energy_j
        )
        fits = (delay_s <= budget.delay_s) & (energy_j <= budget.energy_j)
        if not fits.any():
            continue
        value = {
            Objective.LOSS: np.full(fits.shape, loss),
            Objective.ENERGY: energy_j,
            Objective.DELAY: delay_s,
            Objective.WEIGHTED: problem.weights.value(loss, energy_j, delay_s),
        }[problem.objective]
        best = min(best, float(value[fits].min()))
    return best


@pytest.mark.slow
@given(system_problems())
def test_over_free_clocks_no_setting_of_a_fine_grid_does_better(problem: Problem) -> None:
    found = solve(problem)
    least = searched(problem)
    if found.plan is None:
        assert least == math.inf
        return
    assert found.objective <= least * (1 + 1e-12)
    assert found.plan.delay_s <= problem.budget.delay_s
    assert found.plan.energy_j <= problem.budget.energy_j
    # And it is no fluke: what it says it costs is what it costs.
    system, plan = problem.costs, found.plan
    setting = (plan.bits, plan.robot_clock_hz, plan.edge_clock_hz)
    assert plan.delay_s == system.delay_s(*setting)
    assert plan.energy_j == system.energy_j(*setting)


@given(system_problems())
def test_over_free_clocks_the_binding_budget_is_one_that_would_lower_the_objective_alone(
    problem: Problem,
) -> None:
    found = solve(problem)
    if found.plan is None or problem.objective is Objective.LOSS:
        return
    ages = 1e30
    lower = {
        name
        for name, changes in {
            "delay": {"budget": Budget(ages, problem.budget.energy_j)},
            "energy": {"budget": Budget(problem.budget.delay_s)},
            "quality": {"loss_max": math.inf},
        }.items()
        if solve(dataclasses.replace(problem, **changes)).objective < found.objective
    }
    budgets = "+".join(name for name in ("delay", "energy") if name in lower)
    assert found.binding == (budgets or ("quality" if lower else "none"))


@given(system_problems(), st.lists(st.integers(0, 3).map(float), min_size=4, max_size=4))
def test_over_free_clocks_of_equal_losses_the_cheapest_width_is_taken(
    problem: Problem, losses: list[float]
) -> None:
    widths = (2, 4, 6, 8)
    tied = dataclasses.replace(
        problem,
        quality=Quality(widths, tuple(losses)),
        objective=Objective.LOSS,
        loss_max=math.inf,
    )
    found = solve(tied)
    each = {
        bits: solve(dataclasses.replace(tied, quality=Quality((bits,), (loss,)))).plan
        for bits, loss in zip(widths, losses, strict=True)
    }
    fitting = [
        (loss, plan.energy_j, bits)
        for (bits, plan), loss in zip(each.items(), losses, strict=True)
        if plan is not None
    ]
    assert found.bits == (min(fitting)[2] if fitting else None)
    if found.plan is not None:
        better = [bits for bits, loss in zip(widths, losses, strict=True) if loss < min(fitting)[0]]
        assert (found.binding == "max_bits") == (not better)


def test_a_nearest_delay_is_enough_where_two_prices_differ_in_their_last_digit() -> None:
    link = Link(114860.8713387992, 697203106.5737805, 0.01, 6.135744384345752)
    warm = dataclasses.replace(PAPER_EDGE, static_w=4.413415045650543)
    problem = Problem(
        System(PAPER_ROBOT, warm, BLIP2, link),
        Budget(4.001964654542037, 7.049945061684881),
        Quality((7,), (1.0,)),
    )
    nearest_s = solve(problem).nearest_delay_s
    assert nearest_s is not None
    again = dataclasses.replace(problem, budget=Budget(nearest_s, problem.budget.energy_j))
    assert solve(again).bits == 7


@given(system_problems())
def test_over_free_clocks_nearest_budgets_have_a_plan_and_a_little_less_has_none(
    problem: Problem,
) -> None:
    found = solve(problem)
    if found.plan is not None:
        return
    for field in ("delay_s", "energy_j"):
        nearest = getattr(found, f"nearest_{field}")
        if nearest is None:
            continue
        for share, there in ((1.0, True), (1.0 - 1e-9, False)):
            budget = dataclasses.replace(problem.budget, **{field: nearest * share})
            again = solve(dataclasses.replace(problem, budget=budget))
            assert (again.plan is not None) == there


@given(system_problems())
def test_the_least_energy_of_a_width_is_what_a_numerical_minimum_finds(problem: Problem) -> None:
    system = problem.costs
    assert isinstance(system, System)
    energy = dataclasses.replace(
        problem, objective=Objective.ENERGY, loss_max=math.inf, quality=Quality((4,), (0.0,))
    )
    found = solve(dataclasses.replace(energy, budget=Budget(problem.budget.delay_s)))
    work = system.workload.robot_flop_at(4) / system.robot.flop_per_cycle
    edge_work = system.workload.edge_flop_in_all / system.edge.flop_per_cycle
    compute_s = problem.budget.delay_s - system.link.delay_s
    if found.plan is None:
        assert work / 2e9 + edge_work / 10e9 > compute_s * (1 - 1e-12)
        return

    def edge_j(left_s: float) -> float:
        slowest = max(edge_work / left_s, 1.0)
        cheapest = (system.edge.static_w / (2 * system.edge.power_coefficient)) ** (1 / 3)
        return system.edge.energy_j(
            system.workload.edge_flop_in_all, min(max(slowest, cheapest), 10e9)
        )

    def total_j(log_hz: float) -> float:
        hz = math.exp(log_hz)
        left_s = compute_s - work / hz
        if left_s < edge_work / 10e9:
            return 1e9 * (1 + edge_work / 10e9 - left_s)
        return system.robot.energy_j(system.workload.robot_flop_at(4), hz) + edge_j(left_s)

    low = math.log(work / (compute_s - edge_work / 10e9)) if compute_s > edge_work / 10e9 else 0.0
    searched_j = min(
        optimize.minimize_scalar(
            total_j,
            bounds=(max(low, math.log(1e6)), math.log(2e9)),
            method="bounded",
            options={"xatol": 1e-12},
        ).fun,
        total_j(math.log(2e9)),
    )
    assert found.plan.energy_j == pytest.approx(searched_j + system.link.energy_j, rel=1e-6)
