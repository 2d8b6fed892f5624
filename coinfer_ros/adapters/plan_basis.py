# SPDX-License-Identifier: Apache-2.0
"""Reads what a plan was made of back from its messages: live ones, or those of a bag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coinfer_ros.core.clock_limits import Band
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning import Correction, EdgeLearnt, HalfLearnt, Learnt, LinkCosts
from coinfer_ros.core.optimizer import Policy
from coinfer_ros.core.planning import Cut, Question, Route, State
from coinfer_ros.core.planning.record import OBJECTIVES
from coinfer_ros.core.profile import Joint, TabulatedHalf
from coinfer_ros.core.wire import WIRE_BITS


def edge_names(costs: Any) -> tuple[str, ...]:
    """Return the edges of a Costs message, in the order of their places."""
    return tuple(dict.fromkeys(route.edge for route in costs.routes))


def read_routes(costs: Any) -> tuple[Route, ...]:
    """Return the routes of a Costs message.

    :raises InvalidInput: naming the field that does not fit.
    """
    names = edge_names(costs)
    return tuple(_route(route, names.index(route.edge)) for route in costs.routes)


def read_question(basis: Any) -> Question:
    """Return what a Basis message says was asked.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    if basis.objective not in OBJECTIVES:
        names = ", ".join(OBJECTIVES)
        raise InvalidInput(f"objective must be one of {names}, got {basis.objective!r}")
    policies = [policy.value for policy in Policy]
    if basis.policy not in policies:
        raise InvalidInput(f"policy must be one of {', '.join(policies)}, got {basis.policy!r}")
    return Question(
        Budget(basis.budget_delay_s, basis.budget_energy_j),
        _whole(basis.widths),
        _whole(basis.wire_widths),
        OBJECTIVES[basis.objective],
        Policy(basis.policy),
    )


def read_state(basis: Any) -> State:
    """Return what a Basis message says was known.

    :raises InvalidInput: naming the field that does not fit.
    """
    if _whole(basis.coded_widths) != WIRE_BITS:
        raise InvalidInput(
            f"coded_widths must be {list(WIRE_BITS)}, got {list(basis.coded_widths)}"
        )
    shapes = zip(basis.cuts, basis.tokens, basis.channels, strict=True)
    return State(
        learnt=Learnt(
            robot=HalfLearnt(_correction(basis.robot_delay), _correction(basis.robot_energy)),
            edges=tuple(_edge(edge) for edge in basis.edges),
            coding_s=_real(basis.coding_s),
            wire_losses=_real(basis.wire_losses),
            other_s=basis.other_s,
            rest_j=basis.rest_j,
            rest_byte_j=basis.rest_byte_j,
            margin_s=basis.margin_s,
            margin_j=basis.margin_j,
        ),
        robot_reach=Band(basis.robot_reach_low_hz, basis.robot_reach_high_hz),
        edge_reach=tuple(Band(edge.reach_low_hz, edge.reach_high_hz) for edge in basis.edges),
        others_hz=tuple(edge.others_hz for edge in basis.edges),
        present=tuple(bool(edge.present) for edge in basis.edges),
        cuts=tuple(Cut(name, (int(t), int(c))) for name, t, c in shapes),
    )


def _edge(message: Any) -> EdgeLearnt:
    link = LinkCosts(message.round_trip_s, message.handling_s, message.byte_s)
    half = HalfLearnt(_correction(message.delay), _correction(message.energy))
    return EdgeLearnt(half, link, message.queue_s)


def _correction(message: Any) -> Correction:
    return Correction(
        message.level,
        message.clock_exponent,
        message.reference_hz,
        _whole(message.widths),
        _real(message.offsets),
    )


def _route(message: Any, edge: int) -> Route:
    widths = _whole(message.widths)
    robot = _half("robot", message, widths)
    if len(message.losses) not in (0, len(widths)):
        raise InvalidInput(f"losses must be one a width, {len(widths)}, got {len(message.losses)}")
    losses = tuple(zip(widths, _real(message.losses), strict=True)) if len(message.losses) else ()
    return Route(edge, message.cut, Joint(robot, _half("edge", message, (16,))), losses)


def _half(role: str, message: Any, widths: tuple[int, ...]) -> TabulatedHalf:
    clocks_hz = _real(getattr(message, f"{role}_clocks_hz"))
    shape = (len(widths), len(clocks_hz))
    delays, energies = (
        np.asarray(getattr(message, f"{role}_{name}"), np.float64)
        for name in ("delay_s", "energy_j")
    )
    for name, found in (("delay_s", delays), ("energy_j", energies)):
        if found.size != shape[0] * shape[1] or not found.size:
            raise InvalidInput(
                f"{role}_{name} must have {shape[0]} x {shape[1]} values, got {found.size}"
            )
    return TabulatedHalf(widths, clocks_hz, delays.reshape(shape), energies.reshape(shape))


def _whole(values: Sequence[int]) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _real(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
