# SPDX-License-Identifier: Apache-2.0
"""The plain baselines against loops over what they may choose from."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.costs import (
    GIT,
    GIT_BUDGET,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    Link,
    Processor,
    System,
)
from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.optimizer import Status, paper_problem, solve
from coinfer_ros.evaluation.methods import floored, random, solve_by
from coinfer_ros.evaluation.methods.one_machine import clock_in_time

WIDTHS = range(1, 17)
PAPER = System(PAPER_ROBOT, PAPER_EDGE, GIT)
LINK = Link(payload_bytes=3e5, goodput_bps=20e6, round_trip_s=0.01, radio_w=1.5)
BUDGETS = st.builds(Budget, st.floats(0.2, 8.0), st.floats(0.01, 20.0))


@given(BUDGETS)
def test_at_the_greatest_clocks_the_widest_width_that_fits_is_taken(budget: Budget) -> None:
    found = solve_by("fixed_frequency", paper_problem(PAPER, budget, WIDTHS))
    fitting = [
        bits
        for bits in WIDTHS
        if budget.kept(PAPER.delay_s(bits, 2e9, 10e9), PAPER.energy_j(bits, 2e9, 10e9))
    ]
    assert found.bits == max(fitting, default=None)
    if found.plan is not None:
        assert (found.plan.robot_clock_hz, found.plan.edge_clock_hz) == (2e9, 10e9)


@given(BUDGETS)
def test_the_robot_alone_takes_the_widest_width_that_fits_at_some_clock(budget: Budget) -> None:
    found = solve_by("all_on_robot", paper_problem(PAPER, budget, WIDTHS))
    whole = GIT.robot_flop + GIT.edge_flop
    fitting = []
    for bits, clock_hz in itertools.product(WIDTHS, np.linspace(2e9 / 400, 2e9, 400)):
        cycles = bits / 16 * whole / 32
        if budget.kept(cycles / clock_hz, 2e-29 * cycles * clock_hz**2):
            fitting.append(bits)
    assert (found.bits or 0) >= max(fitting, default=0)
    # One clock step between is what a finer grid could add.
    if found.bits is not None and found.bits > max(fitting, default=0):
        cycles = found.bits / 16 * whole / 32
        assert cycles / found.plan.robot_clock_hz == pytest.approx(budget.delay_s, rel=0.01)


@given(st.floats(0.3, 8.0), st.floats(0.01, 40.0), st.sampled_from([0.0, 0.4, 20.0]))
def test_the_edge_alone_is_judged_with_the_link_and_its_static_power(
    delay_s: float, energy_j: float, static_w: float
) -> None:
    edge = dataclasses.replace(PAPER_EDGE, static_w=static_w)
    system = System(PAPER_ROBOT, edge, GIT, LINK)
    budget = Budget(delay_s, energy_j)
    found = solve_by("all_on_edge", paper_problem(system, budget, WIDTHS))
    flop = GIT.robot_flop + GIT.edge_flop
    clocks = np.geomspace(1e7, 10e9, 2000)
    costs = [
        (edge.delay_s(flop, f) + LINK.delay_s, edge.energy_j(flop, f) + LINK.energy_j, f)
        for f in clocks.tolist()
    ]
    fitting = [energy for delay, energy, _ in costs if budget.kept(delay, energy)]
    if found.plan is None:
        assert not fitting
        return
    assert found.status is Status.FEASIBLE
    assert budget.kept(found.plan.delay_s, found.plan.energy_j)
    if fitting:
        assert found.plan.energy_j <= min(fitting) * (1 + 1e-12)


@given(st.floats(1e8, 1e13), st.floats(1e-3, 1e3), st.floats(0.0, 900.0))
def test_a_clock_in_time_is_in_time_to_the_last_bit(
    flop: float, delay_s: float, beside_s: float
) -> None:
    clock_hz = clock_in_time(PAPER_EDGE, flop, delay_s, beside_s=beside_s)
    if clock_hz is None:
        assert PAPER_EDGE.delay_s(flop, 10e9) + beside_s > delay_s or beside_s >= delay_s
    else:
        assert 0.0 < clock_hz <= 10e9
        assert PAPER_EDGE.delay_s(flop, clock_hz) + beside_s <= delay_s


def test_with_static_power_a_machine_does_not_dawdle() -> None:
    warm = Processor(2e9, 32, 1.0, 2e-29, static_w=0.05)
    clock_hz = clock_in_time(warm, 64e9, 1e3)
    assert clock_hz == pytest.approx((0.05 / (2 * 2e-29)) ** (1 / 3), rel=1e-12)
    assert clock_in_time(PAPER_ROBOT, 64e9, 1e3) == pytest.approx(2e6, rel=1e-12)


def test_random_draws_are_even_over_the_widths_and_keep_those_that_fit() -> None:
    problem = paper_problem(PAPER, GIT_BUDGET, WIDTHS)
    plans = random.feasible_draws(problem, np.random.default_rng(3), draws=16_000)
    counts = np.bincount([plan.bits for plan in plans], minlength=17)
    assert counts[7:].sum() == 0  # the exact answer is 6 bits
    # Each of 16 widths is drawn 1000 times in the mean; five standard deviations.
    assert (np.abs(counts[1:7] - 1000) < 5 * math.sqrt(1000)).all()
    first = solve_by("random", problem)
    assert first.plan == random.feasible_draws(problem, np.random.default_rng(random.SEED))[0]
    again = solve(
        dataclasses.replace(problem, quality=paper_problem(PAPER, GIT_BUDGET, [6]).quality)
    )
    assert next(plan for plan in plans if plan.bits == 6) == again.plan


def test_an_exhaustive_search_tries_sixty_four_steps_of_each_clock() -> None:
    plan = solve_by("exhaustive", paper_problem(PAPER, GIT_BUDGET, (5, 6))).plan
    assert plan is not None
    for clock_hz, greatest in ((plan.robot_clock_hz, 2e9), (plan.edge_clock_hz, 10e9)):
        assert (clock_hz / greatest * 64) == pytest.approx(
            round(clock_hz / greatest * 64), abs=1e-9
        )
    assert (plan.edge_clock_hz / 10e9 * 64) % 8 != 0  # no coarser grid has this one


@pytest.mark.parametrize("off", [-0.9, -1e-13, 0.0, 1e-13, 0.9])
def test_a_relaxed_width_that_is_off_by_less_than_a_bit_still_gives_the_proved_optimum(
    off: float,
) -> None:
    problem = paper_problem(PAPER, GIT_BUDGET, WIDTHS)
    found = floored.floored(problem, PAPER, 6.8746 + off, name="test")
    assert (found.status, found.plan) == (Status.OPTIMAL, solve(problem).plan)
    assert found.bound == found.objective


def test_a_relaxed_width_that_is_far_off_proves_nothing() -> None:
    problem = paper_problem(PAPER, GIT_BUDGET, WIDTHS)
    low, high = (floored.floored(problem, PAPER, bits, name="test") for bits in (2.5, 12.5))
    assert (low.status, low.bits, low.bound) == (Status.FEASIBLE, 4, None)
    assert (high.status, high.plan) == (Status.FAILED, None)


@pytest.mark.parametrize("share", [1e-3, 1e-6, 1e-9])
def test_where_the_edge_takes_nearly_all_of_the_delay_the_relaxed_width_is_still_proved(
    share: float,
) -> None:
    # 1 - edge_delay cancels: the relaxed width is known to few digits, its neighbours decide.
    system = System(PAPER_ROBOT, PAPER_EDGE, dataclasses.replace(GIT, robot_flop=1e12 * share))
    for bits in range(1, 9):
        budget = Budget(system.delay_s(bits, 2e9, 10e9), 1e3)
        problem = paper_problem(system, budget, WIDTHS)
        found, exact = solve_by("relaxed", problem), solve(problem)
        if found.status is Status.OPTIMAL:
            assert found.plan == exact.plan
        assert found.status is not Status.INFEASIBLE or exact.plan is None


@pytest.mark.parametrize("method", ["fixed_frequency", "random", "all_on_robot", "all_on_edge"])
def test_without_a_finite_budget_it_is_not_the_papers_problem(method: str) -> None:
    with pytest.raises(Unsupported, match="finite budgets"):
        solve_by(method, paper_problem(PAPER, Budget(energy_j=2.0), WIDTHS))
