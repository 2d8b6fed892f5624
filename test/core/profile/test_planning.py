# SPDX-License-Identifier: Apache-2.0
"""Plans made of profiles are the best of all measured settings, and admit what is not known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.boards import Board
from coinfer_ros.core.clock_limits import ALL
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Budget, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning import (
    EdgeLearnt,
    HalfLearnt,
    Learnt,
    LinkCosts,
    Measured,
    no_correction,
)
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.planning import Planner, Question, Route, State, decide
from coinfer_ros.core.profile import (
    SERVED,
    ComputedHalf,
    Distortion,
    Energy,
    Joint,
    MeasuredHalf,
)
from coinfer_ros.core.wire import WIRE_BITS

WORK = Workload(robot_flop=1e9, edge_flop=1e9)
WIDTHS = (2, 3, 4, 8, 16)
BUDGETS = [(0.4, 0.6), (0.9, 0.3), (1.5, 2.0), (0.05, 0.05), (0.3, math.inf)]


def board(processor, steps=3):
    clocks = tuple(processor.clock_max_hz * (k + 1) / steps for k in range(steps))
    return Board("board", processor, clocks, clocks[-1], 1.0, 0.0, 0.001, 0.001)


def route(robot=None, edge=None) -> Route:
    """Return a route of profiles, of boards where there are none."""
    halves = Joint(
        MeasuredHalf(robot) if robot else ComputedHalf(board(PAPER_ROBOT), WORK.robot_flop_at),
        MeasuredHalf(edge)
        if edge
        else ComputedHalf(board(PAPER_EDGE), lambda _: WORK.edge_flop_in_all),
    )
    losses = robot.losses if robot else None
    return Route(0, "", halves, tuple(zip(robot.widths, losses, strict=True)) if losses else ())


def exactly(one: Route) -> State:
    """Return what is known where answers take just what the tables say."""

    def as_modelled(half, widths):
        same = no_correction(widths, half.clocks_hz[-1])
        return HalfLearnt(same, same)

    edge = EdgeLearnt(as_modelled(one.costs.edge, [16]), LinkCosts(0.0, 0.0, 0.0), 0.0)
    nothing = (0.0,) * len(WIRE_BITS)
    learnt = Learnt(
        as_modelled(one.costs.robot, WEIGHT_BITS), (edge,), nothing, nothing, *(0.0,) * 5
    )
    return State(learnt, ALL, (ALL,), (0.0,), (True,))


def decided(budget, widths=WIDTHS, **profiles):
    one = route(**profiles)
    return decide([one], exactly(one), Question(budget, tuple(widths)))


def measured_half(profile):
    """Yield (bits, clock, seconds, joules) of every measured setting."""
    for (row, bits), (column, hz) in itertools.product(
        enumerate(profile.widths), enumerate(profile.clocks_hz)
    ):
        yield bits, hz, profile.latency.p95_s[row, column], profile.energy.mean_j[row, column]


def computed_edge():
    for hz in board(PAPER_EDGE).clock_steps_hz:
        yield 16, hz, PAPER_EDGE.delay_s(1e9, hz), PAPER_EDGE.energy_j(1e9, hz)


def brute_force(robot, edge, losses, budget):
    """Return (loss, joules, seconds) of the best setting that keeps the budget, None for none."""
    return min(
        (
            (losses[bits], robot_j + edge_j, robot_s + edge_s)
            for (bits, _, robot_s, robot_j), (_, _, edge_s, edge_j) in itertools.product(
                robot, list(edge)
            )
            if robot_s + edge_s <= budget.delay_s and robot_j + edge_j <= budget.energy_j
        ),
        default=None,
    )


@pytest.mark.parametrize("edge_measured", [False, True])
@given(seed=st.integers(0, 10**6), budget=st.sampled_from(BUDGETS))
def test_the_plan_is_what_brute_force_finds_in_both_tables(
    robot, edge, edge_measured, seed, budget
):
    rng = np.random.default_rng(seed)
    losses = rng.integers(0, 3, 4).astype(float)  # ties, and not falling with the width
    seen = Distortion(SERVED, losses, losses, losses)
    profile = robot(seed=seed, distortions=(seen,))
    other = edge(seed=seed + 7)
    decision = decided(Budget(*budget), robot=profile, edge=other if edge_measured else None)
    expected = brute_force(
        measured_half(profile),
        measured_half(other) if edge_measured else computed_edge(),
        dict(zip(profile.widths, losses, strict=True)),
        Budget(*budget),
    )
    assert decision.feasible == (expected is not None)
    if expected:
        assert losses[profile.widths.index(decision.setting.point.bits)] == expected[0]
        at = decision.setting.point
        assert Budget(*budget).kept(at.delay_s, at.energy_j)
        robot_half, edge_half = (
            {(bits, hz): (s, joules) for bits, hz, s, joules in half}
            for half in (
                measured_half(profile),
                measured_half(other) if edge_measured else computed_edge(),
            )
        )
        robot_s, robot_j = robot_half[at.bits, at.robot_clock_hz]
        edge_s, edge_j = edge_half[16, at.edge_clock_hz]
        assert at.delay_s == pytest.approx(robot_s + edge_s, rel=1e-12)
        assert at.energy_j == pytest.approx(robot_j + edge_j, rel=1e-12)


def test_without_measured_errors_the_law_decides_so_the_widest_that_fits_wins(robot):
    unseen = Distortion(SERVED, np.ones(4), np.full(4, math.nan), np.full(4, math.nan))
    assert decided(Budget(), robot=robot(distortions=(unseen,))).setting.point.bits == 16


def test_a_profile_of_the_edge_alone_leaves_the_robot_to_the_model(edge):
    profile = edge()
    decision = decided(Budget(), edge=profile)
    robot_s, robot_j = (
        f(WORK.robot_flop_at(16), decision.setting.point.robot_clock_hz)
        for f in (PAPER_ROBOT.delay_s, PAPER_ROBOT.energy_j)
    )
    column = profile.clocks_hz.index(decision.setting.point.edge_clock_hz)
    assert decision.setting.point.delay_s == pytest.approx(
        robot_s + profile.latency.p95_s[0, column]
    )
    assert decision.setting.point.energy_j == pytest.approx(
        robot_j + profile.energy.mean_j[0, column]
    )


@pytest.fixture
def unmetered(robot):
    nothing = np.full((4, 1), math.nan)
    return robot(clocks_hz=(math.nan,), energy=Energy(nothing, nothing))


def test_without_a_meter_an_energy_budget_is_refused_and_a_plan_knows_no_joules(unmetered):
    subject = Planner([route(unmetered)], share=0.9, initial_margin_s=0.0)
    assert subject.unmetered == ("robot",)
    with pytest.raises(InvalidInput, match="energy of the robot's half was not measured, got 6 J"):
        decided(Budget(1.0, 6.0), robot=unmetered)
    decision = decided(Budget(10.0), robot=unmetered)
    assert decision.feasible
    assert decision.solution.plan is not None
    for point in (decision.setting.point, decision.solution.plan):
        assert math.isnan(point.energy_j)
        assert math.isnan(point.robot_clock_hz)
        assert point.edge_clock_hz in board(PAPER_EDGE).clock_steps_hz
    assert decision.solution.message.endswith("joules are without those of the robot's half")
    infeasible = decided(Budget(0.001), robot=unmetered)
    assert not infeasible.feasible
    assert math.isnan(infeasible.setting.point.energy_j)


def test_answers_are_compared_with_the_measured_percentile_at_any_clock_of_their_own_pace(
    unmetered, edge
):
    other = edge()
    subject = Planner([route(unmetered, other)], share=0.9, initial_margin_s=0.0)
    at = {"edge_clock_hz": 2e9, "head_s": 1.3 * unmetered.latency.p95_s[2, 0], "total_s": 9.0}
    for _ in range(5):
        subject.learn(Measured(8, tail_s=other.latency.p95_s[0, 1], **at))
        subject.learn(Measured(8, **(at | {"edge_clock_hz": 1.5e9}), tail_s=9.0))  # not measured
        subject.learn(Measured(5, **(at | {"head_s": 9.0})))  # nor at this width
    learnt = subject.state.learnt
    assert learnt.robot.delay.factor(8, math.nan) == pytest.approx(1.3, rel=0.01)
    assert learnt.edges[0].half.delay.factor(16, 2e9) == pytest.approx(1.0, rel=0.01)


def test_widths_that_were_not_measured_are_left_out_and_none_left_is_refused(robot):
    assert decided(Budget(), (3, 4, 5), robot=robot()).setting.point.bits == 4
    with pytest.raises(InvalidInput, match=r"one that was measured, \[2, 4, 8, 16\], got \[3, 5\]"):
        decided(Budget(), (3, 5), robot=robot())


def test_a_run_that_the_meter_found_cheaper_than_idling_costs_nothing(robot):
    noise = Energy(np.full((4, 3), -1e-6), np.full((4, 3), 1e-4))
    decision = decided(Budget(), robot=robot(energy=noise))
    assert decision.setting.point.energy_j == min(
        PAPER_EDGE.energy_j(1e9, hz) for _, hz, *_ in computed_edge()
    )
