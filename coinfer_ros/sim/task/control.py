# SPDX-License-Identifier: Apache-2.0
"""What chooses the settings of both machines: the controller's closed loop, or nothing any more."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Protocol

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning import Measured
from coinfer_ros.core.planning import (
    Cut,
    Decision,
    Planner,
    Question,
    Route,
    Setting,
    Steady,
    shrunk,
)
from coinfer_ros.core.profile import Joint


@dataclass(frozen=True)
class Habits:
    """How the controller plans, as its parameters say.

    :param percentile: share of answers that are to keep the budgets.
    :param initial_margin_s: delay left for what is not foreseen before the first answers, s.
    :param hysteresis: share by which another plan must be better.
    :param dwell_s: how long another plan must have been better, s.
    :param renewal_s: how often it plans, s.
    """

    percentile: float
    initial_margin_s: float
    hysteresis: float
    dwell_s: float
    renewal_s: float

    def __post_init__(self) -> None:
        checks.number("renewal_s", self.renewal_s, low=0.01, high=60.0, unit="s")


class Control(Protocol):
    """Chooses what the next image is answered with."""

    def setting(self, now_s: float) -> Setting:
        """Return the setting in force."""
        ...

    def learn(self, measured: Measured, now_s: float) -> None:
        """Take an answer into account, or one that did not come."""
        ...


class Fixed:
    """One setting for good.

    :param setting: it.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    def setting(self, now_s: float) -> Setting:  # noqa: ARG002  the port's
        """Return it."""
        return self._setting

    def learn(self, measured: Measured, now_s: float) -> None:
        """Learn nothing."""


class ClosedLoop:
    """Planner, learning and steadiness as the controller node runs them, from a cold start.

    :param joint: what both halves take by the model.
    :param shape: (T, C) of the embedding.
    :param question: budgets, widths and objective.
    :param habits: how it plans.
    """

    def __init__(
        self, joint: Joint, shape: tuple[int, int], question: Question, habits: Habits
    ) -> None:
        self._planner = _planner(joint, shape, habits)
        self._question, self._habits = question, habits
        self._cautious = dataclasses.replace(
            question, budget=shrunk(question.budget, habits.hysteresis)
        )
        self._steady = Steady(dwell_s=habits.dwell_s, hysteresis=habits.hysteresis)
        self._renewals = 0
        self._thought: tuple[Decision, Decision] | None = None

    def setting(self, now_s: float) -> Setting:
        """Return the setting of the plan in force."""
        self._renew(now_s)
        kept = self._steady.kept
        return _setting(kept)

    def learn(self, measured: Measured, now_s: float) -> None:
        """Take an answer into account for the plans from now on."""
        self._renew(now_s)
        self._planner.learn(measured)
        self._thought = None

    def _renew(self, now_s: float) -> None:
        """Plan as often as it has been time to since the last call."""
        while (due_s := self._renewals * self._habits.renewal_s) <= now_s:
            self._renewals += 1
            self._plan(due_s)

    def _plan(self, now_s: float) -> None:
        if self._thought is None:  # what is known decides, and it has not changed since
            decide = self._planner.decide
            self._thought = decide(self._question), decide(self._cautious)
        decision, cautious = self._thought
        kept = self._steady.kept
        self._steady.choose(
            decision,
            cautious=cautious,
            again=kept and self._planner.again(kept),
            question=self._question,
            switch_s=0.0,
            now_s=now_s,
        )


def first_setting(
    joint: Joint, shape: tuple[int, int], question: Question, habits: Habits
) -> Setting:
    """Return what would be planned before anything was measured.

    :raises InvalidInput: when nothing keeps the budgets and the policy is to stop.
    """
    return _setting(_planner(joint, shape, habits).decide(question))


def _planner(joint: Joint, shape: tuple[int, int], habits: Habits) -> Planner:
    planner = Planner(
        [Route(0, "", joint)],
        share=habits.percentile,
        initial_margin_s=habits.initial_margin_s,
    )
    planner.see_cut(Cut("", shape))
    return planner


def _setting(decision: Decision | None) -> Setting:
    if decision is None or decision.setting is None:
        raise InvalidInput("policy must keep something running, got a plan that stops")
    return decision.setting
