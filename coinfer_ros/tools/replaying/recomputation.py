# SPDX-License-Identifier: Apache-2.0
"""Makes every plan of a bag again, of what its controller knew, and compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coinfer_ros.adapters.plan_basis import edge_names, read_question, read_routes, read_state
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.planning import Question, Route, State, decide
from coinfer_ros.core.planning.record import Frame, PlanRecord, plan_record
from coinfer_ros.tools.replaying.comparison import Difference, differences
from coinfer_ros.tools.replaying.history import History


@dataclass(frozen=True)
class Grounds:
    """All that a plan hangs on.

    :param margin_s: delay left for what is not foreseen, s.
    """

    routes: tuple[Route, ...]
    state: State
    question: Question
    frame: Frame
    margin_s: float

    def plan(self, plan_id: int, question: Question | None = None) -> PlanRecord:
        """Return the plan that they make.

        :param question: another than the one that was asked.
        :raises InvalidInput: when they allow none.
        """
        decision = decide(self.routes, self.state, question or self.question)
        return plan_record(decision, self.frame, plan_id=plan_id, margin_s=self.margin_s)


@dataclass(frozen=True)
class Verdict:
    """What became of recomputing one plan.

    :param recorded: the plan as it was sent first.
    :param grounds: what it was recomputed of; None where it could not be.
    :param differences: where the recomputed one differs.
    :param reason: why it could not be recomputed, empty: it was.
    """

    recorded: PlanRecord
    grounds: Grounds | None = None
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    @property
    def equal(self) -> bool:
        """True when it was recomputed, and every field is the same."""
        return not self.reason and not self.differences


def verdicts(history: History) -> tuple[Verdict, ...]:
    """Recompute a robot's plans, in their order."""
    return tuple(
        verdict(plan.record, history.basis_of(plan), history.costs_of(plan))
        for plan in history.plans
    )


def verdict(plan: PlanRecord, basis: Any, costs: Any) -> Verdict:
    """Recompute one plan.

    :param basis: its Basis message, None when there is none.
    :param costs: the Costs message that it was made with, likewise.
    """
    missing = [name for name, found in (("Basis", basis), ("Costs", costs)) if found is None]
    if missing:
        return Verdict(plan, reason=f"the bag has no {' and no '.join(missing)} of it")
    try:
        grounds = _grounds(plan, basis, costs)
        again = grounds.plan(plan.plan_id)
    except ValueError as error:  # InvalidInput is one; so is a sequence of the wrong length
        return Verdict(plan, reason=str(error))
    return Verdict(plan, grounds, differences(plan, again))


def _grounds(plan: PlanRecord, basis: Any, costs: Any) -> Grounds:
    edges = edge_names(costs)
    known = tuple(edge.edge for edge in basis.edges)
    if known != edges:
        raise InvalidInput(f"Basis.edges must be those of Costs, {list(edges)}, got {list(known)}")
    frame = Frame(
        robot_id=basis.robot_id,
        edges=edges,
        weight_rate=basis.weight_rate,
        percentile=basis.percentile,
        lease_s=plan.lease_s,
        budget_delay_s=plan.budget_delay_s,
        budget_energy_j=plan.budget_energy_j,
    )
    routes, state, question = read_routes(costs), read_state(basis), read_question(basis)
    return Grounds(routes, state, question, frame, basis.margin_s)
