# SPDX-License-Identifier: Apache-2.0
"""What a plan is made of, as messages; ``adapters/plan_basis.py`` reads them back."""

from __future__ import annotations

from collections.abc import Sequence

from coinfer_ros.core.learning import Correction
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.planning import Question, Route, State
from coinfer_ros.core.planning.record import PlanRecord
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.msg import Basis, Costs, EdgeBasis, RobotState
from coinfer_ros.msg import Correction as CorrectionMessage
from coinfer_ros.msg import Route as RouteMessage


def costs_message(
    robot_id: str, routes: Sequence[Route], edges: Sequence[str], widths: Sequence[int]
) -> Costs:
    """Return what every setting takes before anything is learnt.

    :param edges: the edges' names.
    :param widths: all widths that a plan may have; those without costs are left out.
    """
    return Costs(
        schema=RobotState.SCHEMA,
        robot_id=robot_id,
        routes=[_route(route, edges[route.edge], widths) for route in routes],
    )


def basis_message(
    state: State, question: Question, plan: PlanRecord, edges: Sequence[str], weight_rate: float
) -> Basis:
    """Return what a plan's decision hangs on.

    :param question: what was asked when it was decided.
    """
    learnt = state.learnt
    return Basis(
        robot_id=plan.robot_id,
        plan_id=plan.plan_id,
        budget_delay_s=question.budget.delay_s,
        budget_energy_j=question.budget.energy_j,
        widths=list(question.widths),
        wire_widths=list(question.wire_widths),
        objective=plan.objective,
        policy=plan.policy,
        percentile=plan.percentile,
        robot_delay=_correction(learnt.robot.delay),
        robot_energy=_correction(learnt.robot.energy),
        robot_reach_low_hz=state.robot_reach.low_hz,
        robot_reach_high_hz=state.robot_reach.high_hz,
        edges=[_edge(state, place, name) for place, name in enumerate(edges)],
        coded_widths=list(WIRE_BITS),
        coding_s=list(learnt.coding_s),
        wire_losses=list(learnt.wire_losses),
        other_s=learnt.other_s,
        rest_j=learnt.rest_j,
        rest_byte_j=learnt.rest_byte_j,
        margin_s=learnt.margin_s,
        margin_j=learnt.margin_j,
        weight_rate=weight_rate,
        cuts=[cut.name for cut in state.cuts],
        tokens=[cut.shape[0] for cut in state.cuts],
        channels=[cut.shape[1] for cut in state.cuts],
    )


def _edge(state: State, place: int, name: str) -> EdgeBasis:
    learnt, reach = state.learnt.edges[place], state.edge_reach[place]
    return EdgeBasis(
        edge=name,
        present=state.present[place],
        delay=_correction(learnt.half.delay),
        energy=_correction(learnt.half.energy),
        round_trip_s=learnt.link.round_trip_s,
        handling_s=learnt.link.handling_s,
        byte_s=learnt.link.byte_s,
        goodput_bps=learnt.link.goodput_bps,
        queue_s=learnt.queue_s,
        reach_low_hz=reach.low_hz,
        reach_high_hz=reach.high_hz,
        others_hz=state.others_hz[place],
    )


def _correction(of: Correction) -> CorrectionMessage:
    return CorrectionMessage(
        level=of.level,
        clock_exponent=of.clock_exponent,
        reference_hz=of.reference_hz,
        widths=list(of.widths),
        offsets=list(of.offsets),
    )


def _route(route: Route, edge: str, widths: Sequence[int]) -> RouteMessage:
    usable = route.costs.robot.usable(widths)
    robot_s, robot_j = route.costs.robot.tables(usable)
    edge_s, edge_j = route.costs.edge.tables([FULL_BITS])
    return RouteMessage(
        edge=edge,
        cut=route.cut,
        widths=list(usable),
        losses=[route.weight_loss(bits) for bits in usable] if route.losses else [],
        robot_clocks_hz=list(route.costs.robot.clocks_hz),
        robot_delay_s=robot_s.ravel().tolist(),
        robot_energy_j=robot_j.ravel().tolist(),
        edge_clocks_hz=list(route.costs.edge.clocks_hz),
        edge_delay_s=edge_s.ravel().tolist(),
        edge_energy_j=edge_j.ravel().tolist(),
    )
