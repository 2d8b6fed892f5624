# SPDX-License-Identifier: Apache-2.0
"""A plan stays while it keeps its budgets and nothing has been clearly better for a while."""

from __future__ import annotations

import dataclasses

import pytest

from coinfer_ros.core.optimizer import Objective
from coinfer_ros.core.planning import Steady

from .conftest import planner, question

DWELL_S = 1.0


class Case:
    """A plan in force and the rivals that come."""

    def __init__(self, objective: Objective = Objective.LOSS) -> None:
        self.steady = Steady(dwell_s=DWELL_S, hysteresis=0.05)
        self.asked = question(2.0, 2.0, objective=objective)
        self.kept = planner().decide(self.asked)
        self.again = self.kept
        self.switch_s = 0.0
        assert self.at(0.0, self.kept) is self.kept

    def at(self, now_s, decision, cautious=None, asked=None):
        return self.steady.choose(
            decision,
            cautious=cautious or decision,
            again=self.again,
            question=asked or self.asked,
            switch_s=self.switch_s,
            now_s=now_s,
        )

    def other(self, *, delay_s=1.0, energy_j=1.0, bits=0, loss=1.0, feasible=True):
        """Return another decision, its figures as shares of the kept one's."""
        at = self.kept.setting.point
        point = dataclasses.replace(
            at,
            bits=at.bits + bits,
            robot_clock_hz=at.robot_clock_hz + 1.0,
            delay_s=delay_s * at.delay_s,
            energy_j=energy_j * at.energy_j,
        )
        setting = dataclasses.replace(self.kept.setting, point=point)
        made = dataclasses.replace(self.kept, setting=setting, loss=loss * self.kept.loss)
        if feasible:
            return made
        impossible = planner().decide(question(0.1, 0.1)).solution
        return dataclasses.replace(made, solution=impossible)


def test_a_rival_that_is_clearly_better_is_taken_after_the_dwell_time():
    case = Case()
    rival = case.other(energy_j=0.9)
    assert case.at(0.1, rival) is case.kept
    assert case.at(0.9, rival) is case.kept
    assert case.at(1.11, rival) is rival


def test_a_rival_that_is_a_little_better_never_is():
    case = Case()
    assert case.at(0.0, case.other(energy_j=0.96)) is case.kept
    assert case.at(99.0, case.other(energy_j=0.96)) is case.kept


def test_a_rival_that_goes_and_comes_starts_its_time_anew():
    case = Case()
    rival = case.other(energy_j=0.9)
    case.at(0.1, rival)
    case.at(0.9, case.kept)
    assert case.at(1.5, rival) is case.kept
    assert case.at(2.5, rival) is rival


def test_a_better_quality_outweighs_more_energy():
    case = Case()
    rival = case.other(bits=1, loss=0.5, energy_j=1.5)
    case.at(0.0, rival)
    assert case.at(1.0, rival) is rival


@pytest.mark.parametrize(
    ("objective", "change"), [(Objective.ENERGY, "energy_j"), (Objective.DELAY, "delay_s")]
)
def test_of_other_objectives_their_own_figure_decides(objective, change):
    case = Case(objective)
    worse = case.other(bits=1, loss=0.1)
    case.at(0.0, worse)
    assert case.at(9.0, worse) is case.kept
    rival = case.other(**{change: 0.9})
    case.at(10.0, rival)
    assert case.at(11.0, rival) is rival


def test_a_change_of_width_must_leave_room_for_the_change_itself():
    case = Case()
    rival = case.other(bits=1, loss=0.5)
    case.switch_s = 2.0
    case.at(0.0, rival)
    assert case.at(9.0, rival) is case.kept
    case.switch_s = 0.0
    case.at(10.0, rival)
    assert case.at(11.0, rival) is rival


def test_a_plan_that_no_longer_keeps_the_budgets_gives_way_at_once_to_one_that_does():
    case = Case()
    case.again = case.other(delay_s=2.0)
    rival = case.other(loss=2.0)
    assert case.at(0.1, rival) is rival


def test_a_plan_that_was_chosen_in_smaller_budgets_need_only_keep_the_real_ones():
    case = Case()
    smaller = question(0.97 * 2.0, 0.97 * 2.0)
    rival = dataclasses.replace(case.other(energy_j=0.9), question=smaller)
    case.at(0.0, case.other(energy_j=1.0), cautious=rival)
    assert case.at(1.0, case.other(energy_j=1.0), cautious=rival) is rival
    full_s = case.asked.budget.delay_s
    at = dataclasses.replace(rival.setting.point, delay_s=0.99 * full_s, energy_j=0.1)
    case.again = dataclasses.replace(rival, setting=dataclasses.replace(rival.setting, point=at))
    assert case.at(1.1, case.other(bits=-1, loss=2.0)) is rival


def test_while_nothing_keeps_the_budgets_changes_wait_for_the_dwell_time():
    case = Case()
    first, second = (case.other(bits=bits, feasible=False) for bits in (-1, -2))
    case.again = case.other(delay_s=2.0)
    case.at(0.0, first)
    assert case.at(1.0, first) is first
    case.again = first
    assert case.at(1.1, second) is first
    assert case.at(2.2, second) is second


def test_another_question_is_answered_at_once():
    case = Case()
    rival = case.other(loss=2.0)
    assert case.at(0.1, rival, asked="another") is rival


def test_the_same_setting_is_said_anew_only_when_much_else_is_expected_of_it():
    case = Case()
    at = case.kept.setting.point

    def expecting(share):
        point = dataclasses.replace(at, delay_s=share * at.delay_s)
        setting = dataclasses.replace(case.kept.setting, point=point)
        return dataclasses.replace(case.kept, setting=setting)

    case.again = expecting(0.98)
    assert case.at(0.1, expecting(0.98)) is case.kept
    much = expecting(0.8)
    assert case.at(0.2, much) is much
