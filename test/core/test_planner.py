# SPDX-License-Identifier: Apache-2.0
"""The planner keeps budgets with what it has learnt, and says what to do when it cannot."""

from __future__ import annotations

import itertools
import math

import pytest

from coinfer_ros.core.boards import Board
from coinfer_ros.core.clock_limits import ALL, Band
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Budget, Processor, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Objective, Policy
from coinfer_ros.core.planner import Measured, Planner

WORK = Workload(robot_flop=212.27e9, edge_flop=183.13e9)


def board(processor: Processor, steps: int) -> Board:
    clocks = tuple(processor.clock_max_hz * (k + 1) / steps for k in range(steps))
    return Board("b", processor, clocks, clocks[-1], 1.0, 0.0, 0.001, 0.001)


def planner(**options) -> Planner:
    defaults = {"initial_overhead_s": 0.0, "window": 20, "quantile": 0.9}
    return Planner(board(PAPER_ROBOT, 20), board(PAPER_EDGE, 20), WORK, **(defaults | options))


def brute_force(budget: Budget, overhead_s: float):
    best = None
    robot, edge = board(PAPER_ROBOT, 20), board(PAPER_EDGE, 20)
    for bits, f, g in itertools.product(WEIGHT_BITS, robot.clock_steps_hz, edge.clock_steps_hz):
        delay_s = bits / 16 * 212.27e9 / 32 / f + 183.13e9 / 128 / g + overhead_s
        energy_j = 2e-29 * bits / 16 * 212.27e9 / 32 * f**2 + 2e-28 * 183.13e9 / 128 * g**2
        if delay_s <= budget.delay_s and energy_j <= budget.energy_j:
            key = (-bits, energy_j)
            best = min(best, key) if best else key
    return best


@pytest.mark.parametrize("overhead_s", [0.0, 0.3])
@pytest.mark.parametrize(("delay_s", "energy_j"), [(2.0, 2.0), (1.2, 8.0), (4.0, 0.4), (9.0, 9.0)])
def test_the_decision_is_what_brute_force_finds(delay_s, energy_j, overhead_s):
    budget = Budget(delay_s, energy_j)
    decision = planner(initial_overhead_s=overhead_s).decide(budget, WEIGHT_BITS)
    expected = brute_force(budget, overhead_s)
    assert decision.feasible == (expected is not None)
    if expected:
        assert decision.point.bits == -expected[0]
        assert decision.point.energy_j == pytest.approx(expected[1], rel=1e-12)


def test_a_measured_overhead_costs_bits_and_is_part_of_the_prediction():
    subject, budget = planner(), Budget(2.0, 2.0)
    before = subject.decide(budget, WEIGHT_BITS)
    modelled_s = PAPER_ROBOT.delay_s(WORK.robot_flop_at(8), 1e9) + PAPER_EDGE.delay_s(
        WORK.edge_flop, 5e9
    )
    for _ in range(20):
        subject.learn(Measured(8, 1e9, 5e9, modelled_s + 0.6, math.nan, 20.0))
        subject.learn(Measured(8, math.nan, 5e9, modelled_s + 9.0, math.nan, 20.0))
    after = subject.decide(budget, WEIGHT_BITS)
    assert after.overhead_s == pytest.approx(0.6, abs=0.006)
    assert after.point.bits < before.point.bits
    assert after.point.delay_s <= budget.delay_s


def test_a_measured_excess_of_energy_costs_bits_and_is_part_of_the_prediction():
    subject, budget = planner(), Budget(4.0, 0.7)
    before = subject.decide(budget, WEIGHT_BITS)
    modelled_j = PAPER_ROBOT.energy_j(WORK.robot_flop_at(8), 1e9) + PAPER_EDGE.energy_j(
        WORK.edge_flop, 5e9
    )
    for _ in range(20):
        subject.learn(Measured(8, 1e9, 5e9, math.nan, modelled_j + 0.5, 20.0))
    after = subject.decide(budget, WEIGHT_BITS)
    assert after.point.bits < before.point.bits
    modelled_j = PAPER_ROBOT.energy_j(
        WORK.robot_flop_at(after.point.bits), after.point.robot_clock_hz
    ) + PAPER_EDGE.energy_j(WORK.edge_flop, after.point.edge_clock_hz)
    assert after.point.energy_j == pytest.approx(modelled_j + 0.5, abs=0.021)
    assert after.point.energy_j <= budget.energy_j


def test_an_impossible_budget_names_the_nearest_and_still_gives_something_to_run():
    budget = Budget(0.1, 2.0)
    decision = planner().decide(budget, WEIGHT_BITS)
    assert not decision.feasible
    assert decision.point.bits == WEIGHT_BITS[0]
    assert decision.point.energy_j <= budget.energy_j
    nearest_s = decision.solution.nearest_delay_s
    assert nearest_s is not None
    assert planner().decide(Budget(nearest_s, 2.0), WEIGHT_BITS).feasible
    assert not planner().decide(Budget(nearest_s * 0.999, 2.0), WEIGHT_BITS).feasible


def test_clocks_that_a_machine_does_not_reach_are_not_planned_and_the_plan_says_so():
    subject, budget = planner(), Budget(2.0, 20.0)
    free = subject.decide(budget, WEIGHT_BITS)
    assert free.point.robot_clock_hz > 0.65e9
    subject.reach("robot", Band(high_hz=0.65e9))
    capped = subject.decide(budget, WEIGHT_BITS)
    assert capped.point.robot_clock_hz <= 0.65e9
    assert capped.point.bits < free.point.bits
    assert "the robot reaches up to 650 MHz alone" in capped.solution.message
    subject.reach("robot", Band(1.23e9, 1.23e9))  # no step: the nearest
    assert subject.decide(budget, WEIGHT_BITS).point.robot_clock_hz == pytest.approx(1.2e9)
    subject.reach("robot", ALL)
    assert subject.decide(budget, WEIGHT_BITS) == free


def test_the_policy_says_what_runs_while_nothing_keeps_the_budgets():
    budget = Budget(0.9, 0.3)

    def decided(policy):
        return planner().decide(budget, WEIGHT_BITS, policy=policy)

    assert not decided(Policy.STOP).feasible
    assert decided(Policy.STOP).point is None
    assert decided(Policy.KEEP_ENERGY).point.energy_j <= budget.energy_j
    assert decided(Policy.KEEP_DELAY).point.delay_s <= budget.delay_s
    overruns = {
        policy: max(point.delay_s / budget.delay_s, point.energy_j / budget.energy_j)
        for policy in Policy
        if (point := decided(policy).point)
    }
    assert min(overruns, key=overruns.get) is Policy.BEST_EFFORT


@pytest.mark.parametrize("least_bits", [3, 5])
def test_energy_or_delay_can_be_made_least_at_a_quality(least_bits):
    widths = [bits for bits in WEIGHT_BITS if bits >= least_bits]
    best = planner().decide(Budget(3.0, 3.0), widths).point
    cheap = planner().decide(Budget(3.0, 3.0), widths, objective=Objective.ENERGY).point
    quick = planner().decide(Budget(3.0, 3.0), widths, objective=Objective.DELAY).point
    assert cheap.bits == quick.bits == least_bits < best.bits
    assert cheap.energy_j < best.energy_j
    assert quick.delay_s < cheap.delay_s
    assert max(point.delay_s for point in (cheap, quick)) <= 3.0
    assert max(point.energy_j for point in (cheap, quick)) <= 3.0


def test_no_width_at_all_is_refused():
    with pytest.raises(InvalidInput, match="widths"):
        planner().decide(Budget(1.0, 1.0), [])
