# SPDX-License-Identifier: Apache-2.0
"""The methods on the same instances: what must agree agrees, and nothing beats the optimum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coinfer_ros.core.costs import (
    BLIP2,
    BLIP2_BUDGET,
    GIT,
    GIT_BUDGET,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    System,
    Workload,
)
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.optimizer import (
    Objective,
    Problem,
    Status,
    analytic_tables,
    paper_problem,
    solve,
)
from coinfer_ros.core.optimizer.canonical import Canonical, canonical
from coinfer_ros.core.optimizer.relaxed import greatest_width
from coinfer_ros.evaluation import instances
from coinfer_ros.evaluation.methods import METHODS, exhaustive, geometric, solve_by

PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)
WIDTHS = range(1, 17)
# A policy takes minutes to train; test_ppo.py has it.
QUICK = [name for name in METHODS if name != "ppo"]


def drawn(seed: int, count: int) -> list[Canonical]:
    rows = instances.GENERAL.draw(np.random.default_rng(seed), count)
    return [Canonical(*map(float, row)) for row in rows]


def test_instances_have_the_four_numbers_that_they_were_made_of() -> None:
    for instance in drawn(0, 50):
        problem = instances.problem_of(instance, WIDTHS)
        found = canonical(problem.costs, problem.budget)
        for field in dataclasses.fields(Canonical):
            expected = getattr(instance, field.name)
            assert getattr(found, field.name) == pytest.approx(expected, rel=1e-12)


def test_every_outcome_is_common_among_the_instances() -> None:
    found = [solve(instances.problem_of(instance, WIDTHS)) for instance in drawn(1, 1000)]
    bindings = [s.binding for s in found]
    infeasible = sum(s.plan is None for s in found)
    narrowest = sum(s.bits == 1 for s in found)
    for count in (bindings.count("energy"), bindings.count("delay"), infeasible, narrowest):
        assert count >= 20
    assert bindings.count("max_bits") >= 5


@pytest.mark.parametrize("widths", [range(1, 17), (2, 3, 4, 8, 16)])
def test_rounding_the_relaxed_optimum_down_is_exact_on_thousands_of_instances(widths) -> None:
    for instance in drawn(2, 2000):
        problem = instances.problem_of(instance, widths)
        found, expected = solve_by("relaxed", problem), solve(problem)
        assert (found.status, found.plan) == (expected.status, expected.plan)


@pytest.mark.slow
def test_the_geometric_program_finds_the_relaxed_optimum_of_two_thousand_instances() -> None:
    for instance in drawn(3, 2000):
        bits = geometric.relaxed_bits(instance)
        exact = greatest_width(instance)
        if isinstance(bits, str):
            assert bits == "infeasible"
            assert exact < 1e-5  # the program wants a width above 0, however small
            continue
        assert bits == pytest.approx(exact, rel=1e-5, abs=1e-6)
        problem = instances.problem_of(instance, WIDTHS)
        assert solve_by("geometric", problem).plan == solve(problem).plan


def test_a_finer_and_finer_grid_approaches_the_optimum_from_above() -> None:
    for instance in drawn(4, 60):
        problem = instances.problem_of(instance, WIDTHS)
        best = solve(problem)
        assert isinstance(problem.costs, System)
        coarse, fine = (
            solve(
                dataclasses.replace(
                    problem, costs=exhaustive.stepped(problem.costs, tuple(WIDTHS), steps)
                )
            )
            for steps in (16, 256)
        )
        assert (coarse.bits or 0) <= (fine.bits or 0) <= (best.bits or 0)
        if best.plan and coarse.plan and best.bits == coarse.bits == fine.bits:
            assert best.plan.energy_j <= fine.plan.energy_j * (1 + 1e-12)
            assert fine.plan.energy_j <= coarse.plan.energy_j


def test_exhaustive_search_agrees_with_the_exact_solver_on_the_same_steps() -> None:
    for instance in drawn(5, 40):
        problem = instances.problem_of(instance, (2, 4, 8))
        assert isinstance(problem.costs, System)
        tables = exhaustive.stepped(problem.costs, (2, 4, 8), 12)
        stepped = dataclasses.replace(problem, costs=tables)
        assert solve_by("exhaustive", stepped).plan == solve(stepped).plan


@pytest.mark.parametrize("method", QUICK)
def test_no_method_beats_the_optimum_within_the_budgets(method: str) -> None:
    for instance in drawn(6, 6 if method == "exhaustive" else 30):
        problem = instances.problem_of(instance, WIDTHS)
        best, found = solve(problem), solve_by(method, problem)
        if found.plan is None:
            assert found.message
            continue
        within = (
            found.plan.delay_s <= problem.budget.delay_s
            and found.plan.energy_j <= problem.budget.energy_j
        )
        assert within == (found.status is not Status.OVER_BUDGET)
        assert (found.status is Status.OVER_BUDGET) == ("over budget" in found.message)
        if method == "all_on_edge":
            continue  # it splits nothing and quantizes nothing: another problem
        if within and found.bits is not None:
            # The whole model on the robot is the split whose edge does nothing, so also beatable.
            assert method == "all_on_robot" or found.bits <= (best.bits or 0)


@pytest.mark.parametrize("method", QUICK)
def test_a_plan_costs_what_it_says(method: str) -> None:
    # So much that every method has a plan.
    system, ample = System(PAPER_ROBOT, PAPER_EDGE, GIT), Budget(6.0, 60.0)
    plan = solve_by(method, paper_problem(system, ample, WIDTHS)).plan
    assert plan is not None
    robot_s = robot_j = edge_s = edge_j = 0.0
    if plan.robot_clock_hz:
        flop = GIT.robot_flop + (0.0 if plan.edge_clock_hz else GIT.edge_flop)
        cycles = plan.bits / 16 * flop / 32
        robot_s = cycles / plan.robot_clock_hz
        robot_j = 2e-29 * cycles * plan.robot_clock_hz**2
    if plan.edge_clock_hz:
        cycles = (GIT.edge_flop + (0.0 if plan.robot_clock_hz else GIT.robot_flop)) / 128
        edge_s = cycles / plan.edge_clock_hz
        edge_j = 2e-28 * cycles * plan.edge_clock_hz**2
    assert plan.delay_s == pytest.approx(robot_s + edge_s, rel=1e-12)
    assert plan.energy_j == pytest.approx(robot_j + edge_j, rel=1e-12)


@pytest.mark.parametrize(
    ("workload", "budget", "bits"), [(BLIP2, BLIP2_BUDGET, 5), (GIT, GIT_BUDGET, 6)]
)
def test_the_papers_scenarios_by_every_exact_method(
    workload: Workload, budget: Budget, bits: int
) -> None:
    problem = paper_problem(System(PAPER_ROBOT, PAPER_EDGE, workload), budget, WIDTHS)
    for method in ("exact", "relaxed", "geometric"):
        found = solve_by(method, problem)
        assert (found.status, found.bits) == (Status.OPTIMAL, bits)


def test_a_method_for_the_papers_problem_alone_refuses_others_by_name() -> None:
    problem = paper_problem(PAPER, BLIP2_BUDGET, WIDTHS)
    tables = analytic_tables(PAPER, widths=WIDTHS, robot_clocks_hz=[1e9], edge_clocks_hz=[1e9])
    others = [
        dataclasses.replace(problem, objective=Objective.ENERGY),
        dataclasses.replace(problem, loss_max=0.1),
        dataclasses.replace(problem, costs=tables),
        Problem(PAPER, BLIP2_BUDGET, dataclasses.replace(problem.quality, losses=(1.0,) * 16)),
    ]
    for method in METHODS:
        if method in {"exact", "exhaustive"}:
            continue
        for other in others:
            with pytest.raises(Unsupported, match=rf"^method {method} solves the paper's problem"):
                solve_by(method, other)


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput, match=r"^method must be one of exact, .*, got 'magic'$"):
        solve_by("magic", paper_problem(PAPER, BLIP2_BUDGET, WIDTHS))


def test_the_edge_alone_needs_the_loss_of_unquantized_weights() -> None:
    with pytest.raises(Unsupported, match=r"^method all_on_edge needs the loss"):
        solve_by("all_on_edge", paper_problem(PAPER, BLIP2_BUDGET, (2, 4)))
