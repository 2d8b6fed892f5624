# SPDX-License-Identifier: Apache-2.0
"""Keeps a plan until another one has been better for a while: noise must not change plans.

Pure: the caller says what time it is.
"""

from __future__ import annotations

import math

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer import Objective
from coinfer_ros.core.planning.decide import Decision


class Steady:
    """The plan in force.

    One that no longer keeps the budgets gives way at once to one that does. One that still keeps
    them gives way only to one that has been clearly better (by the share ``hysteresis``, in budgets
    smaller by that share) for ``dwell_s``: a change of width or clock costs frames and joules of
    its own, and what fits a budget just so would not fit it a moment later. Another question
    (budgets, bounds, objective, what the machines reach) is answered at once.

    :param dwell_s: how long another plan must have been the better one, s.
    :param hysteresis: share by which it must be better.
    """

    def __init__(self, *, dwell_s: float, hysteresis: float) -> None:
        self.dwell_s, self.hysteresis = dwell_s, hysteresis
        self._kept: Decision | None = None
        self._question: object = None
        self._rival_since_s = math.inf

    @property
    def kept(self) -> Decision | None:
        """The plan in force."""
        return self._kept

    def choose(
        self,
        decision: Decision,
        *,
        cautious: Decision,
        again: Decision | None,
        question: object,
        switch_s: float,
        now_s: float,
    ) -> Decision:
        """Return the decision to follow.

        :param decision: what would be decided now.
        :param cautious: what would be decided for budgets smaller by ``hysteresis``.
        :param again: the plan in force with what is expected of it now.
        :param question: what is asked; compared with the last one.
        :param switch_s: how long a change of the width holds the frames up, s.
        """
        kept = self._kept
        if kept is None or again is None or question != self._question:
            return self._take(decision, question)
        if _same(kept, decision):
            return self._renewed(kept, decision, question)
        # By the budgets that are asked for now: those that it was chosen in may have been smaller.
        if kept.feasible and _keeps(again, decision.question.budget):
            rival = cautious if self._is_better(cautious, again, switch_s) else None
        elif decision.feasible:
            return self._take(decision, question)
        else:
            rival = decision
        if rival is None:
            self._rival_since_s = math.inf
            return kept
        self._rival_since_s = min(self._rival_since_s, now_s)
        lasting = now_s - self._rival_since_s >= self.dwell_s
        return self._take(rival, question) if lasting else kept

    def _renewed(self, kept: Decision, decision: Decision, question: object) -> Decision:
        """Return the same plan, said anew when what is expected of it has changed much."""
        before, now = kept.setting, decision.setting
        if before is None or now is None:
            near = kept.solution.message == decision.solution.message
        else:
            share = self.hysteresis
            near = _near(before.point.delay_s, now.point.delay_s, share) and _near(
                before.point.energy_j, now.point.energy_j, share
            )
        self._rival_since_s = math.inf
        return kept if near else self._take(decision, question)

    def _is_better(self, rival: Decision, kept: Decision, switch_s: float) -> bool:
        """Tell whether a plan that keeps smaller budgets is worth a change."""
        old, new = kept.setting, rival.setting
        if not rival.feasible or old is None or new is None or old.sets_the_same(new):
            return False
        budget = rival.question.budget
        if old.point.bits != new.point.bits and new.point.delay_s + switch_s > budget.delay_s:
            return False  # the first answers after the change would be late
        less = 1.0 - self.hysteresis
        if rival.question.objective is Objective.ENERGY:
            return new.point.energy_j < less * old.point.energy_j
        if rival.question.objective is Objective.DELAY:
            return new.point.delay_s < less * old.point.delay_s
        if rival.loss != kept.loss:
            return rival.loss < less * kept.loss
        return new.point.energy_j < less * old.point.energy_j

    def _take(self, decision: Decision, question: object) -> Decision:
        self._kept, self._question, self._rival_since_s = decision, question, math.inf
        return decision


def _keeps(decision: Decision, budget: Budget) -> bool:
    """Tell whether a plan keeps the budgets by what is known now; what is not known is kept."""
    if decision.setting is None:
        return False
    at = decision.setting.point
    return not (at.delay_s > budget.delay_s or at.energy_j > budget.energy_j)


def _same(kept: Decision, decision: Decision) -> bool:
    if kept.feasible != decision.feasible:
        return False
    if kept.setting is None or decision.setting is None:
        return kept.setting is decision.setting
    return kept.setting.sets_the_same(decision.setting)


def _near(before: float, now: float, share: float) -> bool:
    return math.isnan(now) or abs(now - before) <= share * before
