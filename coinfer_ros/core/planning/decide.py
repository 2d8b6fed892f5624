# SPDX-License-Identifier: Apache-2.0
"""The decision itself: a pure function of the routes, of what is known and of what is asked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core.clock_limits import ALL
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import (
    Point,
    Policy,
    Problem,
    Quality,
    Solution,
    Status,
    Tables,
    fallback,
    solve_among,
)
from coinfer_ros.core.planning.prediction import Beside, beside, corrected, room, whole, within
from coinfer_ros.core.planning.route import Route, Setting, joint_loss, routes_unmetered
from coinfer_ros.core.planning.state import Question, State
from coinfer_ros.core.wire import WIRE_BITS


@dataclass(frozen=True)
class Decision:
    """What everyone should run, and why.

    :param solution: the optimizer's answer; infeasible ones say what would help.
    :param setting: what to run: the optimum, or what the policy says while nothing keeps the
        budgets; None: nothing.
    :param question: what it answers.
    :param beside: what its answers take beside both halves; None without setting.
    :param loss: relative error of what the edge receives; NaN without setting.
    :param edge_ask_hz: the clock that this robot needs its edge to hold at least, Hz: the
        setting's, or less where another robot holds the edge there anyway; NaN: none.
    """

    solution: Solution
    setting: Setting | None
    question: Question
    beside: Beside | None
    loss: float
    edge_ask_hz: float

    @property
    def feasible(self) -> bool:
        """True when the setting keeps both budgets."""
        return self.solution.status is Status.OPTIMAL


def decide(routes: Sequence[Route], state: State, question: Question) -> Decision:
    """Return the plan that makes the objective least and keeps the budgets, over all routes.

    The distortion is the embedding's where it was measured, else that of the law, eq. (30), and
    that of the wire.

    :param routes: every edge with every cut, at least one.
    :raises InvalidInput: when no width is left, or an energy is to be kept that is not known.
    """
    decision = _decide(routes, state, question, alone=False)
    setting = decision.setting
    if setting is None or not state.others_hz[setting.edge]:
        return decision
    held_hz = state.others_hz[setting.edge]
    if setting.point.edge_clock_hz > held_hz:
        return decision
    # Another robot holds the edge at this clock or a faster one: to ask for it as well would keep
    # both of them there when neither needs it any more.
    wish = _decide(routes, state, question, alone=True).setting
    ask_hz = wish.point.edge_clock_hz if wish and wish.edge == setting.edge else math.nan
    message = f"{decision.solution.message}; other robots hold the edge at {held_hz / 1e6:.0f} MHz"
    solution = dataclasses.replace(decision.solution, message=message)
    return dataclasses.replace(decision, solution=solution, edge_ask_hz=ask_hz)


def _decide(routes: Sequence[Route], state: State, question: Question, *, alone: bool) -> Decision:
    _check(routes, question)
    ways, costs, tabled, roomier = [], [], [], []
    free = room(state.learnt, question.budget)
    for route in _reachable(routes, state):
        cost = within(route, state, alone=alone)
        halves = corrected(route, cost, state.learnt, question.widths)
        for wire_bits in question.wire_widths:
            ways.append((route, wire_bits))
            costs.append(cost)
            tabled.append(whole(halves, route, state, wire_bits))
            roomier.append(whole(halves, route, state, wire_bits, room=free))
    problems = [
        Problem(
            table, question.budget, _quality(route, state, wire_bits, table), question.objective
        )
        for (route, wire_bits), table in zip(ways, tabled, strict=True)
    ]
    place, solution = solve_among(
        problems,
        [dataclasses.replace(p, costs=each) for p, each in zip(problems, roomier, strict=True)],
    )
    found = (place, solution.plan)
    if place is None:
        found = fallback(tabled, question.budget, question.policy) or (None, None)
    place, point = found
    if place is None or point is None:
        if question.policy is not Policy.STOP:
            raise InvalidInput("boards must have a setting that can be run, got none")
        told = _told(solution, None, routes, state)
        return Decision(told, None, question, None, math.nan, math.nan)
    route, wire_bits = ways[place]
    known = costs[place].known(point)
    return Decision(
        solution=_told(solution, known, routes, state),
        setting=Setting(route.edge, route.cut, wire_bits, known),
        question=question,
        beside=beside(state.learnt, route.edge, wire_bits, state.shape(route.cut)),
        loss=problems[place].loss(point.bits),
        edge_ask_hz=known.edge_clock_hz,
    )


def _reachable(routes: Sequence[Route], state: State) -> list[Route]:
    """Return the routes by edges that are there, all when none is: a plan has to say something."""
    there = [route for route in routes if state.present[route.edge]]
    return there or list(routes)


def _quality(route: Route, state: State, wire_bits: int, table: Tables) -> Quality:
    wire_loss = state.learnt.wire_losses[WIRE_BITS.index(wire_bits)]
    losses = (joint_loss(route.weight_loss(bits), wire_loss) for bits in table.widths)
    return Quality(table.widths, tuple(losses))


def _check(routes: Sequence[Route], question: Question) -> None:
    for name in ("widths", "wire_widths"):
        if not getattr(question, name):
            raise InvalidInput(f"{name} must hold at least one bit-width, got none")
    unmetered = routes_unmetered(routes)
    if unmetered and question.budget.energy_j != math.inf:
        raise InvalidInput(
            f"energy_j must be without a limit where the energy of {_halves(unmetered)} "
            f"was not measured, got {question.budget.energy_j:g} J"
        )


def _told(
    solution: Solution, point: Point | None, routes: Sequence[Route], state: State
) -> Solution:
    """Return the solution with what is not known left out of it, and with what limits it."""
    message = solution.message
    reaches = [("robot", state.robot_reach), *(("edge", band) for band in state.edge_reach)]
    for role, band in reaches:
        if band != ALL:
            message = f"{message}; the {role} reaches {band} alone"
    if unmetered := routes_unmetered(routes):
        message = f"{message}; joules are without those of {_halves(unmetered)}"
    plan = None if solution.plan is None else point
    return dataclasses.replace(solution, plan=plan, message=message)


def _halves(roles: Sequence[str]) -> str:
    return " and ".join(f"the {role}'s half" for role in roles)


def shrunk(budget: Budget, share: float) -> Budget:
    """Return the budgets less a share of them; no limit stays none.

    >>> shrunk(Budget(delay_s=1.0), 0.25).delay_s
    0.75
    """
    return Budget(budget.delay_s * (1.0 - share), budget.energy_j * (1.0 - share))
