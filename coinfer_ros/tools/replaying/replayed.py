# SPDX-License-Identifier: Apache-2.0
"""One robot's part of a bag, replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.tools.replaying import what_if
from coinfer_ros.tools.replaying.evidence import Evidence, weigh
from coinfer_ros.tools.replaying.history import History, Repetition
from coinfer_ros.tools.replaying.recomputation import Verdict, verdicts


@dataclass(frozen=True)
class Replayed:
    """What became of one robot's plans.

    :param verdicts: one a plan.
    :param repetitions: plans that were sent again with other contents.
    :param traces: Trace messages.
    :param answers: Answer messages.
    :param what_if: None where it was not asked, or no plan could be recomputed.
    """

    robot_id: str
    verdicts: Sequence[Verdict]
    repetitions: Sequence[Repetition]
    traces: int
    answers: int
    evidence: Evidence
    what_if: what_if.WhatIf | None

    @property
    def recomputed(self) -> tuple[Verdict, ...]:
        """Those that could be made again."""
        return tuple(verdict for verdict in self.verdicts if not verdict.reason)

    @property
    def different(self) -> tuple[Verdict, ...]:
        """Those of them that differ."""
        return tuple(verdict for verdict in self.verdicts if verdict.differences)

    @property
    def equal(self) -> bool:
        """True when every plan was made again exactly, and none was sent in two forms."""
        return not self.repetitions and all(verdict.equal for verdict in self.verdicts)


def replayed(history: History, change: what_if.Change | None) -> Replayed:
    """Return what becomes of a robot's plans.

    :param change: other budgets to plan with as well; None: none.
    :raises InvalidInput: for a budget that no plan can be made for.
    """
    found = verdicts(history)
    return Replayed(
        robot_id=history.robot_id,
        verdicts=found,
        repetitions=history.repetitions,
        traces=history.traces,
        answers=history.answers,
        evidence=weigh(history.under_plans()),
        what_if=None if change is None else what_if.instead(found, change),
    )
