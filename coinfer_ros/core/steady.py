# SPDX-License-Identifier: Apache-2.0
"""Keeps a plan until another one has been better for a while: noise must not change plans.

Pure: the caller says what time it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from coinfer_ros.core.optimizer import Point
from coinfer_ros.core.planner import Decision

Keeps = Callable[[Point], bool]


class Steady:
    """The plan in force.

    One that no longer keeps the budgets gives way at once to one that does; one that still keeps
    them only to one that has been better for ``dwell_s``, for a change of width or clock costs
    frames and joules of its own. Another question (budgets, bounds, objective) is answered at
    once.

    :param dwell_s: how long another plan must have been the better one, s.
    """

    def __init__(self, dwell_s: float) -> None:
        self.dwell_s = dwell_s
        self._kept: Decision | None = None
        self._question: object = None
        self._rival_since_s = math.inf

    def choose(
        self, decision: Decision, *, question: object, keeps: Keeps, now_s: float
    ) -> Decision:
        """Return the decision to follow.

        :param decision: what would be decided now.
        :param question: what it answers; compared with the last one.
        :param keeps: tells whether a setting keeps the budgets by what is known now.
        """
        kept = self._kept
        if kept is None or question != self._question or _is_same(kept, decision):
            return self._take(decision, question)
        held = kept.feasible and kept.point is not None and keeps(kept.point)
        if decision.feasible and not held:
            return self._take(decision, question)
        self._rival_since_s = min(self._rival_since_s, now_s)
        if now_s - self._rival_since_s >= self.dwell_s:
            return self._take(decision, question)
        return kept

    def _take(self, decision: Decision, question: object) -> Decision:
        self._kept, self._question, self._rival_since_s = decision, question, math.inf
        return decision


def _is_same(kept: Decision, decision: Decision) -> bool:
    """Tell whether both set the same, whatever they expect of it."""
    return _setting(kept.point) == _setting(decision.point) and kept.feasible == decision.feasible


def _setting(point: Point | None) -> tuple[str, ...]:
    if point is None:
        return ()
    # As text: a clock that is not known is NaN, which is equal to nothing.
    return tuple(repr(it) for it in (point.bits, point.robot_clock_hz, point.edge_clock_hz))
