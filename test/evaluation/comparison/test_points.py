# SPDX-License-Identifier: Apache-2.0
"""Quality is put beside what was chosen: broken budgets count nothing, draws count alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coinfer_ros.core.costs import Budget
from coinfer_ros.evaluation.comparison import points
from coinfer_ros.evaluation.comparison.choices import Choice
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS, sweeps
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.quality.coding import Coding

SWEEP = sweeps(SCENARIOS[0], 5)[0]


def scores(means: dict[Coding, float], images: int = 50) -> Scores:
    rng = np.random.default_rng(0)
    each = {
        coding.name: np.clip(mean + rng.normal(0.0, 0.5, images), 0.0, 10.0)
        for coding, mean in means.items()
    }
    return Scores(each, dict.fromkeys(each, 0.1))


UNIFORM = scores({Coding("uniform", bits): float(bits) for bits in (*range(2, 9), 16)})


def choice(*bits: int, kept: bool = True, method: str = "exact") -> Choice:
    return Choice(method, Budget(3.5, 2.0), kept, bits, 1e9, 1e9, 1.0, 1.0, "")


def test_a_kept_plan_scores_what_its_width_does() -> None:
    found = points.point(SWEEP, "uniform", choice(5), UNIFORM)
    assert (found.each == UNIFORM.each["uniform 5 bits"]).all()
    assert found.quality.low < found.quality.value < found.quality.high
    assert found.quality.value == pytest.approx(found.each.mean())


def test_a_broken_budget_and_no_plan_score_nothing() -> None:
    for lost in (choice(5, kept=False), choice(kept=False)):
        found = points.point(SWEEP, "uniform", lost, UNIFORM)
        assert found.quality is None
        assert not found.each.any()


def test_draws_count_alike() -> None:
    found = points.point(SWEEP, "uniform", choice(2, 2, 8, method="random"), UNIFORM)
    by_hand = (2 * UNIFORM.each["uniform 2 bits"] + UNIFORM.each["uniform 8 bits"]) / 3
    assert found.each == pytest.approx(by_hand)
    assert found.quality.value == pytest.approx(by_hand.mean())


def test_the_oracle_takes_a_narrower_width_where_that_captions_better() -> None:
    better = dataclasses.replace(UNIFORM, each={**UNIFORM.each, "uniform 3 bits": np.full(50, 9.5)})
    last = len(SWEEP.budgets) - 1
    assert points.oracle(SWEEP, "uniform", last, UNIFORM).choice.bits == (8,)
    assert points.oracle(SWEEP, "uniform", last, better).choice.bits == (3,)
    assert not points.oracle(SWEEP, "uniform", 0, better).choice.kept


def test_shares_of_the_oracle_are_of_the_budgets_that_it_has_a_plan_for() -> None:
    best = [
        points.point(SWEEP, "uniform", one, UNIFORM)
        for one in (choice(kept=False), choice(4), choice(8))
    ]
    ours = [
        points.point(SWEEP, "uniform", one, UNIFORM)
        for one in (choice(2), choice(4), choice(8, kept=False))
    ]
    four, eight = (UNIFORM.each[f"uniform {bits} bits"].sum() for bits in (4, 8))
    share = points.share_of_oracle(ours, best)
    assert share.value == pytest.approx(four / (four + eight))
    assert share.low < share.value < share.high
    assert points.share_of_oracle(best, best).low == 1.0
    assert points.count_broken(ours, best) == (2, 1, 0)
    assert points.count_broken(best, ours[:1] + best[1:]) == (3, 0, 1)


def test_layers_have_as_many_bits_as_the_relaxed_problem_allows() -> None:
    nothing, *codings = [points.allocated_coding(SWEEP, k) for k in range(len(SWEEP.budgets))]
    assert nothing is None
    bits = [coding.bits for coding in codings]
    assert bits == sorted(bits)
    assert all(coding.allocated for coding in codings)
    assert bits[-1] == pytest.approx(8.0, abs=1e-9)
