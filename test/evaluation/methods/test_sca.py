# SPDX-License-Identifier: Apache-2.0
"""Algorithm 1 as the paper states it: what it promises holds, and where it fails it says so."""

from __future__ import annotations

import itertools

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
)
from coinfer_ros.core.optimizer import Status, clocks, paper_problem, solve
from coinfer_ros.core.optimizer.canonical import Canonical
from coinfer_ros.core.optimizer.relaxed import greatest_width
from coinfer_ros.evaluation import instances
from coinfer_ros.evaluation.methods import sca

WIDTHS = range(1, 17)
PAPER = paper_problem(System(PAPER_ROBOT, PAPER_EDGE, BLIP2), BLIP2_BUDGET, WIDTHS)


def solvable(seed: int, count: int) -> list[Canonical]:
    rows = instances.GENERAL.draw(np.random.default_rng(seed), 4 * count)
    found = [Canonical(*map(float, row)) for row in rows]
    return [instance for instance in found if greatest_width(instance) > 1.01][:count]


@pytest.mark.slow
def test_the_objective_never_rises_and_ends_near_the_relaxed_optimum() -> None:
    for instance in solvable(0, 60):
        run = sca.run(instance, 16, delta=1e-7)
        assert run is not None
        assert run.ended == "converged"
        for before, after in itertools.pairwise(run.gaps):
            assert after <= before + 1e-7  # the solver's accuracy
        best = min(greatest_width(instance), 16.0)
        # With δ = 1e-7 the last step, about a bit, would still have paid where less than 13 remain.
        assert run.bits[-1] <= best * (1 + 1e-5)
        assert run.bits[-1] == pytest.approx(best, abs=0.05)


def test_a_step_gains_about_one_bit() -> None:
    run = sca.run(Canonical(0.001, 0.001, 0.001, 0.001), 16)
    steps = np.diff(run.bits)[3:]  # the first come from a start of no meaning
    assert len(steps) >= 8
    assert steps == pytest.approx(1.0, abs=0.1)


def test_a_large_delta_stops_early() -> None:
    # docs/theory.md, 6: near log2(1/δ) + 1 bits one more bit gains less than δ.
    instance = Canonical(0.001, 0.001, 0.001, 0.001)
    early, late = (sca.run(instance, 16, delta=delta) for delta in (1e-2, 1e-4))
    assert early.bits[-1] < late.bits[-1] < 16.0
    assert early.bits[-1] == pytest.approx(np.log2(1 / 1e-2) + 1, abs=1.5)
    assert late.bits[-1] == pytest.approx(np.log2(1 / 1e-4) + 1, abs=1.5)


@pytest.mark.parametrize(("workload", "budget"), [(BLIP2, BLIP2_BUDGET), (GIT, GIT_BUDGET)])
def test_in_the_papers_own_scenarios_the_nearest_width_breaks_both_budgets(
    workload, budget
) -> None:
    problem = paper_problem(System(PAPER_ROBOT, PAPER_EDGE, workload), budget, WIDTHS)
    found = sca.solve(problem)
    assert found.status is Status.OVER_BUDGET
    assert found.plan.delay_s > budget.delay_s
    assert found.plan.energy_j > budget.energy_j
    assert "over budget" in found.message
    kept = sca.solve_rounded(problem, only_feasible=True)
    assert (kept.status, kept.bits) == (Status.FEASIBLE, found.bits - 1)


def test_without_a_feasible_start_above_one_bit_it_fails_though_one_bit_would_do() -> None:
    barely_j = clocks.least_energy(PAPER.costs, 1, 3.5).energy_j
    problem = paper_problem(PAPER.costs, Budget(3.5, barely_j), WIDTHS)
    assert solve(problem).bits == 1
    found = sca.solve(problem)
    assert (found.status, found.plan) == (Status.FAILED, None)
    assert "no feasible point above 1 bit" in found.message
