# SPDX-License-Identifier: Apache-2.0
"""The learner meets (P1) as it is, learns, and is judged like every other method."""

from __future__ import annotations

import numpy as np
import pytest

from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT, System
from coinfer_ros.core.optimizer import Status, paper_problem, solve
from coinfer_ros.core.optimizer.canonical import Canonical
from coinfer_ros.evaluation import bandit, instances
from coinfer_ros.evaluation.methods import ppo

WIDTHS = range(1, 17)
EVERY = 4096


def test_the_features_span_minus_one_to_one() -> None:
    rows = np.vstack([instances.row(instances.GENERAL.low), instances.row(instances.GENERAL.high)])
    assert instances.GENERAL.features(rows) == pytest.approx(
        np.array([[-1.0] * 4, [1.0] * 4]), abs=1e-6
    )


def test_an_action_means_a_whole_width_and_clocks_within_their_range() -> None:
    actions = np.array([[-1, -1, -1], [1, 1, 1], [0, 0, 0], [-9, 9, 0.5]], np.float32)
    bits, x, y = bandit.meaning(actions)
    assert bits.tolist() == [1.0, 16.0, 8.0, 1.0]
    assert x == pytest.approx([0.01, 1.0, 0.5, 1.0])
    assert y == pytest.approx([0.01, 1.0, 0.5, 0.75])
    _, x, y = bandit.meaning(actions, logarithmic=True)
    assert x == pytest.approx([0.01, 1.0, 0.1, 1.0])
    assert y == pytest.approx([0.01, 1.0, 0.1, 0.01**0.25])


def test_the_reward_of_the_exact_plan_is_the_greatest_of_all_actions() -> None:
    rng = np.random.default_rng(0)
    drawn = instances.GENERAL.draw(rng, 40)
    for row in drawn:
        problem = instances.problem_of(Canonical(*map(float, row)), WIDTHS)
        found = solve(problem)
        tried = bandit.meaning(rng.uniform(-1, 1, (2000, 3)).astype(np.float32))
        rewards = bandit.reward(np.tile(row, (2000, 1)), *tried)
        if found.plan is None:
            assert rewards.max() < 0.0
        else:
            assert rewards.max() <= found.bits / 16


def test_budgets_that_are_broken_cost_as_far_as_they_are_broken_up_to_one_each() -> None:
    row = instances.row(Canonical(0.1, 0.2, 0.05, 0.1))
    one = np.ones(1)
    rewards = [float(bandit.reward(row, bits * one, one, one)[0]) for bits in (8, 9, 16, 160)]
    # Delay 0.2 + 0.1 b, energy 0.1 + 0.05 b.
    assert rewards == pytest.approx([8 / 16, -0.1, -0.8, -2.0])


@pytest.mark.slow
def test_training_raises_the_reward_on_instances_that_it_does_not_learn_from() -> None:
    seen: list[ppo.Progress] = []
    trained = ppo.train(5, seen.append, steps_most=8 * EVERY, look_steps=EVERY)
    assert list(trained.curve) == seen
    assert [point.steps for point in seen] == [EVERY * (i + 1) for i in range(8)]
    assert seen[-1].reward > seen[0].reward + 0.1
    assert seen[-1].kept > 0.5
    assert not trained.converged


@pytest.mark.slow
def test_the_same_seed_trains_the_same_policy() -> None:
    curves = [
        ppo.train(5, lambda _: None, steps_most=EVERY, look_steps=EVERY).curve for _ in range(2)
    ]
    assert curves[0] == curves[1]


@pytest.mark.slow
def test_its_plan_is_judged_by_the_true_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    short = ppo.train(1, lambda _: None, steps_most=EVERY, look_steps=EVERY)
    monkeypatch.setattr(ppo, "trained", lambda _: short)
    problem = paper_problem(System(PAPER_ROBOT, PAPER_EDGE, BLIP2), BLIP2_BUDGET, WIDTHS)
    found = ppo.solve(problem)
    assert found.plan is not None
    plan, system = found.plan, problem.costs
    setting = (plan.bits, plan.robot_clock_hz, plan.edge_clock_hz)
    assert plan.delay_s == system.delay_s(*setting)
    kept = plan.delay_s <= 3.5 and plan.energy_j <= 2.0
    assert (found.status is Status.FEASIBLE) == kept
