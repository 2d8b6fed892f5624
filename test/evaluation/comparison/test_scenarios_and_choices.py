# SPDX-License-Identifier: Apache-2.0
"""The sweeps span what can be chosen, and the methods choose what the theory says."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.evaluation.comparison.choices import EXACT, METHODS, RANDOM, choose, relaxed_bits
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS, all_instances, range_of, sweeps

BLIP2, GIT = SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_sweep_begins_where_nothing_fits_and_ends_where_much_does(scenario) -> None:
    for sweep, most in zip(sweeps(scenario, 7), ((8, 8), (6, 8)), strict=True):
        widths = [choose(EXACT, scenario.system, budget).bits for budget in sweep.budgets]
        assert widths[0] == ()
        assert widths[-1] == (most[SCENARIOS.index(scenario)],)
        assert list(sweep.values) == sorted(sweep.values)
        found = [bits[0] for bits in widths if bits]
        assert found == sorted(found)


def test_at_the_papers_budgets_five_and_six_bits_fit() -> None:
    # Section 8 of the theory's notes: (P1) with the paper's constants.
    assert choose(EXACT, BLIP2.system, BLIP2.budget).bits == (5,)
    assert choose(EXACT, GIT.system, GIT.budget).bits == (6,)
    assert relaxed_bits(GIT.system, GIT.budget) == pytest.approx(6.8746, abs=1e-4)


def test_random_stands_for_all_its_feasible_draws() -> None:
    pytest.importorskip("cvxpy")
    drawn = choose(RANDOM, BLIP2.system, BLIP2.budget)
    assert set(drawn.bits) == {2, 3, 4, 5}  # of 2 to 16; 400 draws miss none of these
    assert drawn.kept
    assert math.isnan(drawn.delay_s)


def test_nearest_rounding_breaks_a_budget_where_nearest_feasible_does_not() -> None:
    pytest.importorskip("cvxpy")
    # The relaxed width is 6.87, the nearest 7.
    nearest = choose("sca", GIT.system, GIT.budget)
    feasible = choose("sca_feasible", GIT.system, GIT.budget)
    assert nearest.bits == (7,)
    assert nearest.broken
    assert feasible.bits == (6,)
    assert feasible.kept


def test_single_machines_choose_what_they_alone_can() -> None:
    robot = choose("all_on_robot", GIT.system, GIT.budget)
    assert robot.whole
    # 395.4 GFLOP at 5 bits of 16 and 64 GFLOP/s are 1.93 s, at 6 bits 2.32 s.
    assert robot.bits == (5,)
    edge = choose("all_on_edge", GIT.system, GIT.budget)
    # All on the edge in 2 s: 395.4e9/128 cycles at 1.544 GHz, twice 1e-28 f² a cycle: 1.47 J.
    assert edge.bits == (16,)
    assert edge.energy_j == pytest.approx(1.474, abs=0.001)


def test_the_policys_range_holds_every_budget() -> None:
    held, every = range_of(5), all_instances(5)
    for one in every:
        for name in ("robot_delay", "edge_delay", "robot_energy", "edge_energy"):
            low, high = getattr(held.low, name), getattr(held.high, name)
            assert low < getattr(one, name) < high


def test_every_method_has_words() -> None:
    assert all(METHODS.values())
