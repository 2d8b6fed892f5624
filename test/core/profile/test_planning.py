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
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Budget, Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.planner import Measured, Planner
from coinfer_ros.core.profile import SERVED, Distortion, Energy

WORK = Workload(robot_flop=1e9, edge_flop=1e9)
WIDTHS = (2, 3, 4, 8, 16)
BUDGETS = [(0.4, 0.6), (0.9, 0.3), (1.5, 2.0), (0.05, 0.05), (0.3, math.inf)]


def board(processor, steps=3):
    clocks = tuple(processor.clock_max_hz * (k + 1) / steps for k in range(steps))
    return Board("board", processor, clocks, clocks[-1], 1.0, 0.0, 0.001, 0.001)


def planner(**profiles):
    options = {"initial_overhead_s": 0.0, "window": 20, "quantile": 0.9}
    return Planner(board(PAPER_ROBOT), board(PAPER_EDGE), WORK, **options, **profiles)


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
    subject = planner(robot_profile=profile, **({"edge_profile": other} if edge_measured else {}))
    decision = subject.decide(Budget(*budget), WIDTHS)
    expected = brute_force(
        measured_half(profile),
        measured_half(other) if edge_measured else computed_edge(),
        dict(zip(profile.widths, losses, strict=True)),
        Budget(*budget),
    )
    assert decision.feasible == (expected is not None)
    if expected:
        assert losses[profile.widths.index(decision.point.bits)] == expected[0]
        assert decision.point.energy_j == pytest.approx(expected[1], rel=1e-12)
        assert decision.point.delay_s == pytest.approx(expected[2], rel=1e-12)


def test_without_measured_errors_the_law_decides_so_the_widest_that_fits_wins(robot):
    unseen = Distortion(SERVED, np.ones(4), np.full(4, math.nan), np.full(4, math.nan))
    subject = planner(robot_profile=robot(distortions=(unseen,)))
    assert subject.decide(Budget(), WIDTHS).point.bits == 16


def test_a_profile_of_the_edge_alone_leaves_the_robot_to_the_model(edge):
    profile = edge()
    decision = planner(edge_profile=profile).decide(Budget(), WIDTHS)
    robot_s, robot_j = (
        f(WORK.robot_flop_at(16), decision.point.robot_clock_hz)
        for f in (PAPER_ROBOT.delay_s, PAPER_ROBOT.energy_j)
    )
    column = profile.clocks_hz.index(decision.point.edge_clock_hz)
    assert decision.point.delay_s == pytest.approx(robot_s + profile.latency.p95_s[0, column])
    assert decision.point.energy_j == pytest.approx(robot_j + profile.energy.mean_j[0, column])


@pytest.fixture
def unmetered(robot):
    nothing = np.full((4, 1), math.nan)
    return robot(clocks_hz=(math.nan,), energy=Energy(nothing, nothing))


def test_without_a_meter_an_energy_budget_is_refused_and_a_plan_knows_no_joules(unmetered):
    subject = planner(robot_profile=unmetered)
    assert subject.unmetered == ("robot",)
    with pytest.raises(InvalidInput, match="energy of the robot's half was not measured, got 6 J"):
        subject.decide(Budget(1.0, 6.0), WIDTHS)
    decision = subject.decide(Budget(10.0), WIDTHS)
    assert decision.feasible
    assert decision.solution.plan is not None
    for point in (decision.point, decision.solution.plan):
        assert math.isnan(point.energy_j)
        assert math.isnan(point.robot_clock_hz)
        assert point.edge_clock_hz in board(PAPER_EDGE).clock_steps_hz
    assert decision.solution.message.endswith("joules are without those of the robot's half")
    infeasible = subject.decide(Budget(0.001), WIDTHS)
    assert not infeasible.feasible
    assert math.isnan(infeasible.point.energy_j)


def test_answers_are_compared_with_the_measured_percentile_at_any_clock_of_their_own_pace(
    unmetered, edge
):
    other = edge()
    subject = planner(robot_profile=unmetered, edge_profile=other)
    expected_s = unmetered.latency.p95_s[2, 0] + other.latency.p95_s[0, 1]
    for _ in range(5):
        subject.learn(Measured(8, math.nan, 2e9, expected_s + 0.1, math.nan, 20.0))
        subject.learn(Measured(8, math.nan, 1.5e9, 9.0, math.nan, 20.0))  # never measured there
        subject.learn(Measured(5, math.nan, 2e9, 9.0, math.nan, 20.0))  # nor at this width
    assert subject.overhead_s == pytest.approx(0.1, abs=0.006)


def test_widths_that_were_not_measured_are_left_out_and_none_left_is_refused(robot):
    subject = planner(robot_profile=robot())
    assert subject.decide(Budget(), (3, 4, 5)).point.bits == 4
    with pytest.raises(InvalidInput, match=r"one that was measured, \[2, 4, 8, 16\], got \[3, 5\]"):
        subject.decide(Budget(), (3, 5))


def test_a_run_that_the_meter_found_cheaper_than_idling_costs_nothing(robot):
    noise = Energy(np.full((4, 3), -1e-6), np.full((4, 3), 1e-4))
    decision = planner(robot_profile=robot(energy=noise)).decide(Budget(), WIDTHS)
    assert decision.point.energy_j == min(
        PAPER_EDGE.energy_j(1e9, hz) for _, hz, *_ in computed_edge()
    )
