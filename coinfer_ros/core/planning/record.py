# SPDX-License-Identifier: Apache-2.0
"""A plan as it is published: one field for each of msg/Plan.msg, with its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.optimizer import Objective
from coinfer_ros.core.planning.decide import Decision

# Plan.msg's constants.
OPTIMAL, INFEASIBLE, STOPPED = 0, 1, 2

OBJECTIVES = {
    "quality": Objective.LOSS,
    "energy": Objective.ENERGY,
    "delay": Objective.DELAY,
}
_NAMES = {objective: name for name, objective in OBJECTIVES.items()}


@dataclass(frozen=True)
class Frame:
    """What a plan says beside its decision.

    :param robot_id: whose it is.
    :param edges: the edges' names.
    :param weight_rate: λ of the robot half's weights, 1/weight unit; 0: not known yet.
    :param percentile: share of answers that are to keep the budgets.
    :param lease_s: how long it holds without being renewed, s.
    :param budget_delay_s: the budget that it keeps, s.
    :param budget_energy_j: the budget that it keeps, J; inf: no limit.
    """

    robot_id: str
    edges: tuple[str, ...]
    weight_rate: float
    percentile: float
    lease_s: float
    budget_delay_s: float
    budget_energy_j: float


@dataclass(frozen=True)
class PlanRecord:
    """The fields of Plan.msg, with its units."""

    robot_id: str
    plan_id: int
    status: int
    message: str
    objective: str
    policy: str
    budget_delay_s: float
    budget_energy_j: float
    weight_bits: int
    wire_bits: int
    cut: str
    edge: str
    robot_clock_hz: float
    edge_clock_hz: float
    edge_ask_hz: float
    percentile: float
    predicted_delay_s: float
    link_s: float
    queue_s: float
    overhead_s: float
    margin_s: float
    predicted_energy_j: float
    loss: float
    distortion_lower: float
    distortion_exact: float
    distortion_upper: float
    binding: str
    nearest_delay_s: float
    nearest_energy_j: float
    lease_s: float


def plan_record(decision: Decision, frame: Frame, *, plan_id: int, margin_s: float) -> PlanRecord:
    """Return the plan that a decision makes.

    :param margin_s: delay left for what is not foreseen, s.
    """
    question, solution, setting = decision.question, decision.solution, decision.setting
    at = None if setting is None else setting.point
    bits = question.widths[0] if at is None else at.bits
    lower, exact, upper = _distortions(bits, frame.weight_rate, known=at is not None)
    beside = decision.beside
    nan = math.nan
    return PlanRecord(
        robot_id=frame.robot_id,
        plan_id=plan_id,
        status=_status(decision),
        message=solution.message,
        objective=_NAMES[question.objective],
        policy=question.policy.value,
        budget_delay_s=frame.budget_delay_s,
        budget_energy_j=frame.budget_energy_j,
        weight_bits=bits,
        wire_bits=question.wire_widths[-1] if setting is None else setting.wire_bits,
        cut="" if setting is None else setting.cut,
        edge="" if setting is None else frame.edges[setting.edge],
        robot_clock_hz=nan if at is None else at.robot_clock_hz,
        edge_clock_hz=nan if at is None else at.edge_clock_hz,
        edge_ask_hz=decision.edge_ask_hz,
        percentile=frame.percentile,
        predicted_delay_s=nan if at is None else at.delay_s,
        link_s=nan if beside is None else beside.link_s,
        queue_s=nan if beside is None else beside.queue_s,
        overhead_s=nan if beside is None else beside.delay_s + margin_s,
        margin_s=margin_s,
        predicted_energy_j=nan if at is None else at.energy_j,
        loss=decision.loss,
        distortion_lower=lower,
        distortion_exact=exact,
        distortion_upper=upper,
        binding=solution.binding,
        nearest_delay_s=_or_nan(solution.nearest_delay_s),
        nearest_energy_j=_or_nan(solution.nearest_energy_j),
        lease_s=frame.lease_s,
    )


def _status(decision: Decision) -> int:
    if decision.feasible:
        return OPTIMAL
    return STOPPED if decision.setting is None else INFEASIBLE


def _distortions(bits: int, weight_rate: float, *, known: bool) -> Sequence[float]:
    """Return the bounds (24), exact and (26) of the weights' error; NaN without λ."""
    if not known or not weight_rate > 0.0:
        return math.nan, math.nan, math.nan
    at = rate_distortion.at_bits(bits, weight_rate)
    return at.lower, at.exact, at.upper


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
