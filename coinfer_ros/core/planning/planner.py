# SPDX-License-Identifier: Apache-2.0
"""The controller's mind: what it knows of machines, link and answers, and the plans it makes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from coinfer_ros.core.clock_limits import ALL, Band
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning import Learner, Learnt, Measured
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.optimizer import Point
from coinfer_ros.core.planning.decide import Decision, decide
from coinfer_ros.core.planning.prediction import costs_of
from coinfer_ros.core.planning.route import Route, Setting, routes_unmetered
from coinfer_ros.core.planning.state import Cut, Question, State


class Planner:
    """Plans over the settings of a robot and its edges and learns what the models leave out.

    :param routes: every edge with every cut.
    :param share: share of answers that are to keep their budgets.
    :param initial_margin_s: delay beside what is modelled before the first answer, s.
    """

    def __init__(self, routes: Sequence[Route], *, share: float, initial_margin_s: float) -> None:
        if not routes:
            raise InvalidInput("routes must hold at least one, got none")
        self.routes = tuple(routes)
        edges = 1 + max(route.edge for route in routes)
        self._learner = Learner(
            routes[0].costs.robot.clocks_hz[-1],
            [self._first(edge).costs.edge.clocks_hz[-1] for edge in range(edges)],
            share=share,
            initial_margin_s=initial_margin_s,
        )
        self._state = State(
            learnt=self._learner.learnt,
            robot_reach=ALL,
            edge_reach=(ALL,) * edges,
            others_hz=(0.0,) * edges,
            present=(True,) * edges,
        )

    @property
    def state(self) -> State:
        """All that is known now."""
        return self._state

    @property
    def unmetered(self) -> tuple[str, ...]:
        """The halves, ``robot`` or ``edge``, whose energy is not known; no budget can be kept."""
        return routes_unmetered(self.routes)

    def learn(self, measured: Measured) -> None:
        """Take one answer into account.

        A request that crossed a change of clocks says nothing about either setting: its clocks are
        NaN, and what is NaN is left out.

        :raises InvalidInput: when it is of an edge or a cut that is none of the settings'.
        """
        route = self.route(measured.edge, measured.cut)
        at = Point(
            measured.bits, measured.robot_clock_hz, measured.edge_clock_hz, math.nan, math.nan
        )
        setting = Setting(measured.edge, measured.cut, measured.wire_bits, at)
        self._learner.observe(
            measured,
            robot=route.costs.robot.at(at.bits, at.robot_clock_hz),
            edge=route.costs.edge.at(FULL_BITS, at.edge_clock_hz),
            predicted=lambda learnt: self._predicted(route, learnt, setting),
        )
        self._state = dataclasses.replace(self._state, learnt=self._learner.learnt)

    def reach(self, band: Band, edge: int | None = None) -> None:
        """Plan with no other clocks of a machine than those that it reaches.

        :param edge: the edge's place; None: the robot.
        """
        if edge is None:
            self._state = dataclasses.replace(self._state, robot_reach=band)
        else:
            reaches = _with(self._state.edge_reach, edge, band)
            self._state = dataclasses.replace(self._state, edge_reach=reaches)

    def share_edge(self, edge: int, others_hz: float) -> None:
        """Take note of the fastest clock that other robots hold an edge at, Hz; 0: none."""
        others = _with(self._state.others_hz, edge, others_hz)
        self._state = dataclasses.replace(self._state, others_hz=others)

    def meet_edge(self, edge: int, present: bool) -> None:
        """Take note of whether an edge can be asked."""
        there = _with(self._state.present, edge, present)
        self._state = dataclasses.replace(self._state, present=there)

    def see_cut(self, cut: Cut) -> None:
        """Take note of what crosses a cut."""
        others = tuple(one for one in self._state.cuts if one.name != cut.name)
        self._state = dataclasses.replace(self._state, cuts=(*others, cut))

    def decide(self, question: Question) -> Decision:
        """Return the best plan by what is known now; errors as in ``decide.decide``."""
        return decide(self.routes, self._state, question)

    def again(self, decision: Decision) -> Decision:
        """Return a decision with what is expected of its setting now, at the edge's real clock."""
        setting = decision.setting
        if setting is None:
            return decision
        route = self.route(setting.edge, setting.cut)
        held_hz = self._state.others_hz[setting.edge]
        if held_hz > setting.point.edge_clock_hz:  # others keep the edge faster than planned
            faster = dataclasses.replace(setting.point, edge_clock_hz=held_hz)
            setting = dataclasses.replace(setting, point=faster)
        delay_s, energy_j = costs_of(route, self._state, setting)
        point = dataclasses.replace(setting.point, delay_s=delay_s, energy_j=energy_j)
        return dataclasses.replace(decision, setting=dataclasses.replace(setting, point=point))

    def route(self, edge: int, cut: str) -> Route:
        """Return the route by an edge and a cut.

        :raises InvalidInput: when there is none.
        """
        for route in self.routes:
            if route.edge == edge and route.cut in (cut, ""):
                return route
        known = ", ".join(f"{route.edge}/{route.cut or 'the only cut'}" for route in self.routes)
        raise InvalidInput(f"edge and cut must be one of {known}, got {edge}/{cut}")

    def _first(self, edge: int) -> Route:
        return next(route for route in self.routes if route.edge == edge)

    def _predicted(self, route: Route, learnt: Learnt, setting: Setting) -> tuple[float, float]:
        state = dataclasses.replace(self._state, learnt=learnt)
        return costs_of(route, state, setting, margins=False)


def _with(values: tuple, place: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*values[:place], value, *values[place + 1 :])
