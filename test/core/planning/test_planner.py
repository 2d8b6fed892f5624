# SPDX-License-Identifier: Apache-2.0
"""The planner keeps budgets with what it has learnt, and says what to do when it cannot."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest

from coinfer_ros.core.clock_limits import ALL, Band
from coinfer_ros.core.costs import PAPER_EDGE, Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning import Measured
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Objective, Policy
from coinfer_ros.core.planning import Question, Route, Setting
from coinfer_ros.core.planning.prediction import ROOM, beside, costs_of
from coinfer_ros.core.planning.route import joint_loss
from coinfer_ros.core.wire import WIRE_BITS, size_bytes

from .conftest import SHAPE, World, joint, planner, question


def brute_force(subject, asked: Question):
    """Return (loss, energy) of the setting to take by looking at each, over routes and wires."""
    fits, state, budget = [], subject.state, asked.budget
    for route, wire_bits in itertools.product(subject.routes, asked.wire_widths):
        wire_loss = state.learnt.wire_losses[WIRE_BITS.index(wire_bits)]
        for bits, f, g in itertools.product(
            asked.widths, route.costs.robot.clocks_hz, route.costs.edge.clocks_hz
        ):
            robot, edge = route.costs.robot.at(bits, f), route.costs.edge.at(16, g)
            extra = beside(state.learnt, route.edge, wire_bits, SHAPE)
            delay_s = robot[0] + edge[0] + extra.delay_s + state.learnt.margin_s
            energy_j = robot[1] + edge[1] + extra.energy_j + state.learnt.margin_j
            if budget.kept(delay_s, energy_j):
                fits.append((joint_loss(route.weight_loss(bits), wire_loss), energy_j, delay_s))
    if not fits:
        return None
    best = [(joules, s) for loss, joules, s in fits if loss == min(fits)[0]]
    more_s = max(state.learnt.margin_s, ROOM * budget.delay_s)
    more_j = max(state.learnt.margin_j, ROOM * budget.energy_j)
    roomy = [joules for joules, s in best if budget.kept(s + more_s, joules + more_j)]
    if roomy:
        return min(fits)[0], min(roomy)
    return min(fits)[0], min(
        (max(s / budget.delay_s, joules / budget.energy_j), joules) for joules, s in best
    )[1]


@pytest.mark.parametrize("margin_s", [0.0, 0.3])
@pytest.mark.parametrize(("delay_s", "energy_j"), [(2.0, 2.0), (1.2, 8.0), (4.0, 0.4), (9.0, 9.0)])
def test_the_decision_is_what_brute_force_finds_over_routes_wire_widths_and_clocks(
    delay_s, energy_j, margin_s
):
    slow = dataclasses.replace(PAPER_EDGE, clock_max_hz=3e9, power_coefficient=2e-29)
    routes = [Route(0, "", joint(steps=8)), Route(1, "", joint(edge=slow, steps=8))]
    subject = planner(routes, initial_margin_s=margin_s)
    asked = question(delay_s, energy_j, wire_widths=(4, 8, 16))
    decision, expected = subject.decide(asked), brute_force(subject, asked)
    assert decision.feasible == (expected is not None)
    if expected:
        assert decision.loss == pytest.approx(expected[0], rel=1e-12)
        assert decision.setting.point.energy_j == pytest.approx(expected[1], rel=1e-12)


def test_an_edge_that_is_gone_is_not_planned_while_another_is_there():
    routes = [Route(0, "", joint()), Route(1, "", joint())]
    subject = planner(routes)
    assert subject.decide(question(2.0, 2.0)).setting.edge == 0
    subject.meet_edge(0, False)
    assert subject.decide(question(2.0, 2.0)).setting.edge == 1
    subject.meet_edge(1, False)  # a plan has to say something
    assert subject.decide(question(2.0, 2.0)).setting.edge == 0


def test_the_nearer_edge_is_chosen_once_their_links_are_known(rng):
    subject = planner([Route(0, "", joint()), Route(1, "", joint())])
    asked = question(1.1, 4.0)
    for edge, round_trip_s in ((0, 0.2), (1, 0.002)):
        world = World(rng, round_trip_s=round_trip_s)
        setting = subject.decide(asked).setting
        for _ in range(20):
            measured = world.answer(setting)
            subject.learn(dataclasses.replace(measured, edge=edge))
    assert subject.decide(asked).setting.edge == 1


def test_a_slow_link_costs_wire_bits_where_that_saves_weight_bits(rng):
    world, subject = World(rng, goodput_bps=8e6), planner()
    asked = question(1.5, 2.0, wire_widths=(4, 6, 8, 16))
    before = subject.decide(asked)
    assert before.setting.wire_bits == 16
    for _ in range(20):
        subject.learn(world.answer(subject.decide(asked).setting))
    after = subject.decide(asked)
    assert after.setting.wire_bits < 16
    fixed = subject.decide(dataclasses.replace(asked, wire_widths=(16,)))
    assert not fixed.feasible or fixed.loss > after.loss


def test_what_is_predicted_is_what_was_measured(rng):
    world = World(rng, robot_load=1.3, edge_load=0.8, queue_s=0.05, jitter=0.0)
    subject, setting = planner(), planner().decide(question(3.0, 4.0)).setting
    for _ in range(30):
        measured = world.answer(setting)
        subject.learn(measured)
    route = subject.routes[0]
    delay_s, energy_j = costs_of(route, subject.state, setting, margins=False)
    assert delay_s == pytest.approx(measured.total_s, rel=0.01)
    assert energy_j == pytest.approx(measured.total_j, rel=0.02)
    learnt = subject.state.learnt
    assert learnt.edges[0].queue_s == pytest.approx(0.05, rel=0.05)
    assert learnt.edges[0].link.round_trip_s == pytest.approx(0.004, abs=0.001)
    assert learnt.margin_s <= 0.05 * measured.total_s


def test_a_request_that_crossed_a_change_of_clocks_teaches_nothing_of_the_machines(rng):
    subject, setting = planner(), planner().decide(question(3.0, 4.0)).setting
    for _ in range(10):
        subject.learn(World(rng).answer(setting))
    before = subject.state.learnt
    crossed = World(rng, robot_load=5.0).answer(setting)
    subject.learn(dataclasses.replace(crossed, robot_clock_hz=math.nan))
    assert subject.state.learnt.robot == before.robot
    assert subject.state.learnt.margin_s == before.margin_s


def test_an_impossible_budget_names_the_nearest_and_still_gives_something_to_run():
    decision = planner().decide(question(0.1, 2.0))
    assert not decision.feasible
    assert decision.setting.point.bits == WEIGHT_BITS[0]
    assert decision.setting.point.energy_j <= 2.0
    nearest_s = decision.solution.nearest_delay_s
    assert planner().decide(question(nearest_s, 2.0)).feasible
    assert not planner().decide(question(nearest_s * 0.999, 2.0)).feasible


def test_clocks_that_a_machine_does_not_reach_are_not_planned_and_the_plan_says_so():
    subject, asked = planner(), question(2.0, 20.0)
    free = subject.decide(asked)
    assert free.setting.point.robot_clock_hz > 0.65e9
    subject.reach(Band(high_hz=0.65e9))
    capped = subject.decide(asked)
    assert capped.setting.point.robot_clock_hz <= 0.65e9
    assert capped.setting.point.bits < free.setting.point.bits
    assert "the robot reaches up to 650 MHz alone" in capped.solution.message
    subject.reach(Band(1.23e9, 1.23e9))  # no step: the nearest
    assert subject.decide(asked).setting.point.robot_clock_hz == pytest.approx(1.2e9)
    subject.reach(ALL)
    assert subject.decide(asked) == free


def test_an_edge_that_others_hold_faster_is_planned_there_but_not_asked_for():
    subject, asked = planner(), question(4.0, 9.0)
    alone = subject.decide(asked)
    subject.share_edge(0, 8e9)
    shared = subject.decide(asked)
    assert shared.setting.point.edge_clock_hz == 8e9
    # Held there by the others; without them it would go back at once.
    assert shared.edge_ask_hz == alone.setting.point.edge_clock_hz < 8e9
    subject.share_edge(0, 1e9)  # slower than it needs anyway
    assert subject.decide(asked) == alone


def test_the_policy_says_what_runs_while_nothing_keeps_the_budgets():
    budget = Budget(0.9, 0.3)

    def decided(policy):
        return planner().decide(question(0.9, 0.3, policy=policy))

    assert not decided(Policy.STOP).feasible
    assert decided(Policy.STOP).setting is None
    assert decided(Policy.KEEP_ENERGY).setting.point.energy_j <= budget.energy_j
    assert decided(Policy.KEEP_DELAY).setting.point.delay_s <= budget.delay_s
    overruns = {}
    for policy in Policy:
        setting = decided(policy).setting
        if setting:
            at = setting.point
            overruns[policy] = max(at.delay_s / budget.delay_s, at.energy_j / budget.energy_j)
    assert min(overruns, key=overruns.get) is Policy.BEST_EFFORT


@pytest.mark.parametrize("least_bits", [3, 5])
def test_energy_or_delay_can_be_made_least_at_a_quality(least_bits):
    def decided(**changes):
        asked = question(3.0, 3.0, **changes)
        widths = tuple(bits for bits in WEIGHT_BITS if bits >= least_bits)
        return planner().decide(dataclasses.replace(asked, widths=widths)).setting.point

    best = decided()
    cheap, quick = decided(objective=Objective.ENERGY), decided(objective=Objective.DELAY)
    assert cheap.bits == quick.bits == least_bits < best.bits
    assert cheap.energy_j < best.energy_j
    assert quick.delay_s < cheap.delay_s
    assert max(point.delay_s for point in (cheap, quick)) <= 3.0
    assert max(point.energy_j for point in (cheap, quick)) <= 3.0


@pytest.mark.parametrize("field", ["widths", "wire_widths"])
def test_no_width_at_all_is_refused(field):
    with pytest.raises(InvalidInput, match=f"^{field} must hold"):
        planner().decide(dataclasses.replace(question(1.0, 1.0), **{field: ()}))


def test_an_answer_by_an_unknown_edge_or_cut_is_refused():
    with pytest.raises(InvalidInput, match=r"^edge and cut must be one of 0/the only cut, got 3/"):
        planner().learn(Measured(8, edge=3))
    cut = planner([Route(0, "a", joint())])
    with pytest.raises(InvalidInput, match="got 0/b"):
        cut.learn(Measured(8, cut="b"))


def test_settings_at_a_machines_own_pace_are_the_same_setting():
    at = planner().decide(question(3.0, 3.0)).setting
    own = dataclasses.replace(at.point, robot_clock_hz=math.nan)
    first, second = (Setting(0, "", 16, dataclasses.replace(own)) for _ in range(2))
    assert first.sets_the_same(second)
    assert not first.sets_the_same(dataclasses.replace(second, wire_bits=8))


def test_bytes_on_the_way_count_only_once_their_shape_is_known():
    subject = planner()
    seen = beside(subject.state.learnt, 0, 16, SHAPE)
    unseen = beside(subject.state.learnt, 0, 16, (0, 0))
    byte_s = subject.state.learnt.edges[0].link.byte_s
    assert seen.link_s - unseen.link_s == pytest.approx(byte_s * size_bytes(SHAPE, 16))
