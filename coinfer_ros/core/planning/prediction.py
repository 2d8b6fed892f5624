# SPDX-License-Identifier: Apache-2.0
"""Delay and energy of a whole answer: both halves as corrected, the wire, the link, the queue.

The stages are those of an answer: head, coding, the way there and back, queue, tail, what the robot
does beside; the halves are eq. (4) to (7) of arXiv 2602.13052, or measured.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.learning import Learnt
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.optimizer import Tables
from coinfer_ros.core.planning.route import Route, Setting
from coinfer_ros.core.planning.state import State
from coinfer_ros.core.profile import Joint
from coinfer_ros.core.wire import WIRE_BITS, size_bytes

# Share of a budget that the clocks leave free, where no quality is lost by it.
ROOM = 0.1
LEAST = 1e-12  # of a budget without a limit


@dataclass(frozen=True)
class Beside:
    """What an answer takes beside both halves.

    :param coding_s: coding and decoding, s.
    :param link_s: the way there and back, s.
    :param queue_s: waiting at the edge, s.
    :param other_s: what the robot does beside, s.
    :param energy_j: waiting and the radio, J.
    """

    coding_s: float
    link_s: float
    queue_s: float
    other_s: float
    energy_j: float

    @property
    def delay_s(self) -> float:
        """All of it, s."""
        return self.coding_s + self.link_s + self.queue_s + self.other_s


def beside(learnt: Learnt, edge: int, wire_bits: int, shape: tuple[int, int]) -> Beside:
    """Return what an answer takes beside both halves.

    :param shape: (T, C) of the embedding; (0, 0): not known, counted as nothing to send.
    """
    sent = size_bytes(shape, wire_bits) if all(shape) else 0
    at = learnt.edges[edge]
    return Beside(
        coding_s=learnt.coding_s[WIRE_BITS.index(wire_bits)],
        link_s=at.link.delay_s(sent),
        queue_s=at.queue_s,
        other_s=learnt.other_s,
        energy_j=learnt.rest_j + learnt.rest_byte_j * sent,
    )


def corrected(route: Route, costs: Joint, learnt: Learnt, widths: Sequence[int]) -> Tables:
    """Return what both halves take at every setting of a route.

    :param costs: the route's, at the clocks that can be planned.
    :param widths: bit-widths wanted.
    :raises InvalidInput: when there are costs of none of them.
    """
    modelled = costs.tables(widths)
    robot, edge = learnt.robot, learnt.edges[route.edge].half
    robot_at = modelled.widths, costs.robot.clocks_hz
    edge_at = [FULL_BITS], costs.edge.clocks_hz
    return dataclasses.replace(
        modelled,
        robot_delay_s=modelled.robot_delay_s * robot.delay.factors(*robot_at),
        robot_energy_j=modelled.robot_energy_j * robot.energy.factors(*robot_at),
        edge_delay_s=modelled.edge_delay_s * edge.delay.factors(*edge_at)[0],
        edge_energy_j=modelled.edge_energy_j * edge.energy.factors(*edge_at)[0],
    )


def whole(
    halves: Tables, route: Route, state: State, wire_bits: int, *, room: Budget | None = None
) -> Tables:
    """Return what a whole answer takes at every setting, margins included.

    :param halves: what both halves take.
    :param room: what to leave free beside the margins.
    """
    learnt = state.learnt
    extra = beside(learnt, route.edge, wire_bits, state.shape(route.cut))
    more_s, more_j = (room.delay_s, room.energy_j) if room else (0.0, 0.0)
    return halves.with_overhead(
        delay_s=extra.delay_s + learnt.margin_s + more_s,
        energy_j=extra.energy_j + learnt.margin_j + more_j,
    )


def room(learnt: Learnt, budget: Budget) -> Budget:
    """Return what to leave free beside the margins where that costs no quality.

    Answers keep a margin as often as was asked for; what costs no more than some joules may keep
    them more often: as much again, and at least ``ROOM`` of each budget.
    """
    return Budget(
        max(learnt.margin_s, ROOM * budget.delay_s) if budget.delay_s < math.inf else LEAST,
        max(learnt.margin_j, ROOM * budget.energy_j) if budget.energy_j < math.inf else LEAST,
    )


def halves(route: Route, learnt: Learnt, setting: Setting) -> tuple[float, float, float, float]:
    """Return delays in s and energies in J of robot's and edge's half, corrected, at any clocks.

    :returns: robot's s and J, edge's s and J; NaN where they are not known.
    """
    at = setting.point
    robot_s, robot_j = route.costs.robot.at(at.bits, at.robot_clock_hz)
    edge_s, edge_j = route.costs.edge.at(FULL_BITS, at.edge_clock_hz)
    robot, edge = learnt.robot, learnt.edges[route.edge].half
    return (
        robot_s * robot.delay.factor(at.bits, at.robot_clock_hz),
        robot_j * robot.energy.factor(at.bits, at.robot_clock_hz),
        edge_s * edge.delay.factor(FULL_BITS, at.edge_clock_hz),
        edge_j * edge.energy.factor(FULL_BITS, at.edge_clock_hz),
    )


def costs_of(
    route: Route, state: State, setting: Setting, *, margins: bool = True
) -> tuple[float, float]:
    """Return delay in s and energy in J of one setting, NaN where they are not known.

    :param margins: with what is left for what nobody foresees.
    """
    learnt = state.learnt
    robot_s, robot_j, edge_s, edge_j = halves(route, learnt, setting)
    extra = beside(learnt, route.edge, setting.wire_bits, state.shape(route.cut))
    margin_s, margin_j = (learnt.margin_s, learnt.margin_j) if margins else (0.0, 0.0)
    return (
        robot_s + edge_s + extra.delay_s + margin_s,
        robot_j + edge_j + extra.energy_j + margin_j,
    )


def within(route: Route, state: State, *, alone: bool) -> Joint:
    """Return the route's costs at the clocks that can be planned."""
    return route.costs.within(
        robot=state.robot_reach, edge=state.edge_band(route.edge, alone=alone)
    )
