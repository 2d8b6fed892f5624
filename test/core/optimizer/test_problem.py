# SPDX-License-Identifier: Apache-2.0
"""A problem checks itself, and says what was wrong with it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT, Budget, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Law,
    Objective,
    Point,
    Problem,
    Quality,
    Solution,
    Status,
    Tables,
    Weights,
    paper_problem,
    solve,
)

PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)
QUALITY = Quality((4, 8), (2.0, 1.0))


@pytest.mark.parametrize("law", Law)
def test_a_law_gives_each_width_its_distortion_at_one_bit_less_of_rate(law: Law) -> None:
    figures = [rate_distortion.at_bits(bits, 20.0) for bits in (1, 3, 16)]
    expected = {
        Law.GAP: [f.upper - f.lower for f in figures],
        Law.UPPER: [f.upper for f in figures],
        Law.LOWER: [f.lower for f in figures],
        Law.EXACT: [f.exact for f in figures],
        Law.SCALAR_OPTIMAL: [f.scalar_optimal for f in figures],
    }[law]
    assert list(Quality.of_law((1, 3, 16), law, 20.0).losses) == expected


def test_the_loss_of_a_score_is_its_negative() -> None:
    assert Quality.of_scores({8: 1.1, 4: 0.3}) == Quality((4, 8), (-0.3, -1.1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Quality((8, 4), (1.0, 2.0)), "widths must rise"),
        (lambda: Quality((), ()), "widths must rise"),
        (lambda: Quality((4, 8), (1.0,)), "losses must be one a width, 2, got 1"),
        (lambda: Quality((4,), (math.nan,)), "losses must be a finite number, got nan"),
        (lambda: Quality((4,), (-math.inf,)), "losses must be a finite number, got -inf"),
        (lambda: Quality.of_scores({4: math.inf}), "scores must be a finite number, got inf"),
        (lambda: Quality.of_law((4,), weight_rate=0.0), "weight_rate must be"),
        (lambda: Weights(loss=-1.0), "weights.loss must be in .*, got -1.0"),
        (lambda: Weights(energy=math.nan), "weights.energy must be in .*, got nan"),
        (lambda: Weights(loss=0.0), "weights must not all be 0"),
        (
            lambda: Problem(PAPER, BLIP2_BUDGET, QUALITY, loss_max=math.nan),
            "loss_max must be a finite number, got nan",
        ),
        (lambda: paper_problem(PAPER, BLIP2_BUDGET), "widths must rise"),
    ],
)
def test_what_breaks_its_rule_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}"):
        make()


def test_a_quality_of_other_widths_than_the_tables_is_refused() -> None:
    one = np.ones((1, 1))
    tables = Tables((4,), (1e9,), (1e9,), one, one, np.ones(1), np.ones(1))
    with pytest.raises(InvalidInput, match=r"^quality.widths must be .* \(4,\), got \(4, 8\)$"):
        Problem(tables, BLIP2_BUDGET, QUALITY)


@pytest.mark.parametrize("objective", [Objective.LOSS, Objective.ENERGY])
def test_without_a_deadline_and_static_power_there_is_no_clock_of_least_energy(
    objective: Objective,
) -> None:
    problem = Problem(PAPER, Budget(energy_j=2.0), QUALITY, objective)
    with pytest.raises(InvalidInput, match=r"^budget.delay_s must be finite .*, got inf$"):
        solve(problem)


def test_a_loss_that_no_width_reaches_is_infeasible_whatever_the_budgets() -> None:
    found = solve(Problem(PAPER, BLIP2_BUDGET, QUALITY, loss_max=0.5))
    assert (found.status, found.binding) == (Status.INFEASIBLE, "quality")
    assert (found.nearest_delay_s, found.nearest_energy_j) == (None, None)
    assert found.message == (
        "no width is good enough: loss_max is 0.5, the least loss of an allowed width 1"
    )


def test_a_solution_without_plan_cannot_call_itself_optimal() -> None:
    plan = Point(4, 1e9, 1e9, 1.0, 1.0)
    good = Solution(Status.OPTIMAL, plan, 1.0, 1.0, "max_bits", None, None, "")
    for changes in (
        {"plan": None},
        {"objective": None},
        {"status": Status.INFEASIBLE},
        {"status": Status.FAILED},
    ):
        with pytest.raises(InvalidInput, match=r"^plan and objective must be"):
            dataclasses.replace(good, **changes)
    with pytest.raises(InvalidInput, match=r"^binding must be one of"):
        dataclasses.replace(good, binding="weather")
