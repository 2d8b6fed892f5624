# SPDX-License-Identifier: Apache-2.0
"""Simulated machines and links take what their models say, and the closed loop learns it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Budget, Processor, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Objective, Policy
from coinfer_ros.core.planning import Question
from coinfer_ros.core.wire import size_bytes
from coinfer_ros.sim.task.control import ClosedLoop, Fixed, Habits, first_setting
from coinfer_ros.sim.task.link import BEAT_S, RETRIES, SILENCE_S, Impairment, Link
from coinfer_ros.sim.task.machines import SPREAD, TIMEOUT_S, Machines, Made, joint_of

SHAPE = (12, 128)
MADE = Made(SHAPE, tokens=3, wire_loss=1e-4, weight_rate=20.0)
HABITS = Habits(0.95, 0.02, hysteresis=0.03, dwell_s=1.0, renewal_s=0.2)
WIRES = (4, 6, 8, 16)


def board(processor: Processor) -> Board:
    clocks = tuple(processor.clock_max_hz * k / 20 for k in range(1, 21))
    return Board("b", processor, clocks, clocks[-1], 1.0, 0.0, 0.001, 0.001)


JOINT = joint_of(board(PAPER_ROBOT), board(PAPER_EDGE), Workload(212.27e9, 183.13e9))
BUDGET = Budget(2.0, 2.0)
PLAN = Question(BUDGET, WEIGHT_BITS, WIRES)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def machines(impairment: Impairment, seed: int = 0) -> Machines:
    return Machines(JOINT, Link(impairment, rng(seed)), rng(seed + 1))


def fastest(bits: int = 16, energy_j: float = math.inf) -> Question:
    return Question(Budget(energy_j=energy_j), (bits,), (16,), Objective.DELAY)


def test_a_whole_link_takes_its_round_trip_its_jitter_and_the_time_of_the_bytes() -> None:
    link = Link(Impairment(round_trip_s=0.01, jitter_s=0.004, goodput_bps=1e6), rng())
    ways = [link.carry(2500, 0.0) for _ in range(4000)]
    least_s = 0.01 + 8 * 2500 / 1e6
    assert all(way.sendings == 1 and way.seconds >= least_s for way in ways)
    # An exponential law's mean is its deviation: 4 standard errors of it.
    mean_s = np.mean([way.seconds for way in ways])
    assert abs(mean_s - least_s - 0.004) < 4 * 0.004 / math.sqrt(4000)


@pytest.mark.parametrize("lost", [0.02, 0.2])
def test_what_is_lost_is_sent_again_and_in_the_end_given_up(lost: float) -> None:
    link, count = Link(Impairment(lost=lost), rng()), 4000
    ways = [link.carry(3000, 0.0) for _ in range(count)]
    fails = 1.0 - (1.0 - lost) ** 4  # three packets there, one back
    for sendings in range(1, RETRIES + 2):
        share = np.mean([way.sendings > sendings for way in ways])
        expected = fails**sendings if sendings <= RETRIES else 0.0
        assert abs(share - expected) <= 4 * math.sqrt(expected * (1 - expected) / count) + 1e-12
    gone = np.mean([math.isinf(way.seconds) for way in ways])
    expected = fails ** (RETRIES + 1)
    assert abs(gone - expected) <= 4 * math.sqrt(expected / count)
    again = [way.seconds for way in ways if way.sendings == 2 and math.isfinite(way.seconds)]
    assert 0.25 < min(again) < max(again) < 0.25 + BEAT_S + 0.02


def test_an_answer_takes_what_the_boards_take_and_a_little_more() -> None:
    setting = first_setting(JOINT, SHAPE, fastest(8), HABITS)
    took = machines(Impairment()).run(setting, MADE, begun_s=3.0)
    assert took.answered
    told = took.measured
    assert told is not None
    robot_s, robot_j = JOINT.robot.at(8, setting.point.robot_clock_hz)
    edge_s, edge_j = JOINT.edge.at(16, setting.point.edge_clock_hz)
    for measured, modelled in (
        (told.head_s, robot_s),
        (told.head_j, robot_j),
        (told.tail_s, edge_s),
        (told.tail_j, edge_j),
    ):
        assert modelled <= measured <= modelled * (1 + 6 * SPREAD)
    parts = told.head_s + told.coding_s + told.transmit_s + told.queue_s + told.tail_s
    assert told.total_s == pytest.approx(parts + 0.0005)
    assert took.ends_s == 3.0 + told.total_s
    assert told.payload_bytes == size_bytes(SHAPE, 16)


def test_a_robot_gives_up_when_the_link_falls_silent_and_asks_again_when_it_is_back() -> None:
    broken = machines(Impairment(gone_from_s=10.0, gone_for_s=5.0))
    setting = first_setting(JOINT, SHAPE, fastest(), HABITS)
    before = broken.run(setting, MADE, begun_s=0.0)
    assert before.answered
    caught = broken.run(setting, MADE, begun_s=9.9)
    assert caught.measured is not None
    assert caught.measured.overdue
    assert caught.broken
    # The head alone takes longer than the robot needs to find out.
    assert caught.ends_s == pytest.approx(9.9 + caught.measured.head_s)
    assert 9.9 + caught.measured.head_s > 10.0 + SILENCE_S
    nobody = broken.run(setting, MADE, begun_s=caught.ends_s)
    assert nobody.measured is None
    assert nobody.ends_s == 15.0 + BEAT_S
    assert broken.run(setting, MADE, begun_s=nobody.ends_s).answered


def test_a_request_without_an_answer_is_given_up_after_its_time() -> None:
    deaf = machines(Impairment(lost=1.0))
    quick = first_setting(JOINT, SHAPE, fastest(2), HABITS)
    took = deaf.run(quick, MADE, begun_s=1.0)
    assert took.ends_s == 1.0 + TIMEOUT_S
    assert took.measured is not None
    assert took.measured.overdue
    assert not took.broken
    assert took.measured.total_s == TIMEOUT_S
    assert math.isnan(took.measured.tail_j)
    slow = first_setting(JOINT, SHAPE, fastest(16, energy_j=0.5), HABITS)
    assert deaf.run(slow, MADE, begun_s=0.0).ends_s == 2.0 * slow.point.delay_s > TIMEOUT_S


def answers(control, impairment: Impairment, seconds: float) -> list[tuple[float, bool]]:
    """Return when each answer came and whether it kept the budgets."""
    now_s, like, kept = 0.0, machines(impairment), []
    while now_s < seconds:
        took = like.run(control.setting(now_s), MADE, now_s)
        now_s, told = took.ends_s, took.measured
        assert told is not None
        control.learn(told, now_s)
        kept.append((now_s, BUDGET.kept(told.total_s, told.total_j)))
    return kept


def test_the_closed_loop_learns_a_slow_link_and_a_frozen_plan_does_not() -> None:
    slow = Impairment(round_trip_s=0.3)
    closed = answers(ClosedLoop(JOINT, SHAPE, PLAN, HABITS), slow, 120.0)
    frozen = answers(Fixed(first_setting(JOINT, SHAPE, PLAN, HABITS)), slow, 120.0)
    late = [kept for at_s, kept in closed if at_s > 60.0]
    assert sum(late) >= 0.95 * len(late) - 2 * math.sqrt(0.05 * 0.95 * len(late))
    assert not any(kept for _, kept in frozen)


def test_what_is_planned_does_not_hang_on_how_often_it_is_asked_for() -> None:
    often, seldom = (ClosedLoop(JOINT, SHAPE, PLAN, HABITS) for _ in range(2))
    like, now_s = machines(Impairment(round_trip_s=0.2)), 0.0
    for _ in range(40):
        setting = seldom.setting(now_s)
        assert often.setting(now_s) == setting
        took = like.run(setting, MADE, now_s)
        for part in range(20):
            often.setting(now_s + (took.ends_s - now_s) * part / 20)
        now_s = took.ends_s
        assert took.measured is not None
        often.learn(took.measured, now_s)
        seldom.learn(took.measured, now_s)


def test_the_fastest_within_an_energy_keeps_it_and_a_plan_that_stops_is_refused() -> None:
    within = first_setting(JOINT, SHAPE, fastest(16, energy_j=1.0), HABITS).point
    most = first_setting(JOINT, SHAPE, fastest(16), HABITS).point
    assert within.energy_j <= 1.0 < most.energy_j
    assert within.delay_s > most.delay_s
    assert most.robot_clock_hz == PAPER_ROBOT.clock_max_hz
    stop = Question(Budget(0.01), WEIGHT_BITS, WIRES, policy=Policy.STOP)
    with pytest.raises(InvalidInput, match="policy must keep something running"):
        first_setting(JOINT, SHAPE, stop, HABITS)


@pytest.mark.parametrize(
    "wrong", [{"lost": 1.5}, {"goodput_bps": 0.0}, {"jitter_s": -1.0}, {"gone_from_s": math.nan}]
)
def test_a_link_that_cannot_be_is_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Impairment(**wrong)
