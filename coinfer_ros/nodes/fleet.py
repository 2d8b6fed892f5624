# SPDX-License-Identifier: Apache-2.0
"""What the controller hears of its machines: edges' heartbeats, clocks reached, others' plans."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

from coinfer_ros.core import checks
from coinfer_ros.core.clock_limits import ClockLimits, Seen
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import EdgeWatch
from coinfer_ros.core.holds import Grant, Holds
from coinfer_ros.core.planning import Cut, Planner
from coinfer_ros.msg import DeviceState, EdgeState, Plan
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.convert import check_name, message_to_beat, message_to_cuts

SILENT_AFTER_S = 1.0


class Fleet:
    """One robot's machines, told to its planner.

    :param planner: who is told.
    :param edges: the edges' names.
    :param robot_id: whose controller this is: its own plans are no other's.
    :param planned: returns the plan in force.
    """

    def __init__(
        self,
        planner: Planner,
        edges: Sequence[str],
        *,
        robot_id: str,
        silence_s: float,
        planned: Callable[[], Plan],
    ) -> None:
        self._planner, self._edges, self._robot_id = planner, edges, robot_id
        self._planned = planned
        self._watches = [EdgeWatch(edge, silence_s=silence_s) for edge in edges]
        self._holds = [Holds() for _ in edges]
        self._limits: dict[int | None, ClockLimits] = {}
        self._states_s: dict[int | None, float] = {}
        self.refused, self.refusal = 0, ""  # messages that were left out, and why the last one

    @property
    def subscriptions(self) -> list[tuple[type, str, Callable[..., None], object]]:
        """What to listen to: type, topic, callback, quality of service."""
        found: list[tuple[type, str, Callable[..., None], object]] = [
            (DeviceState, "robot_device/state", partial(self._on_state, None), qos.SENSOR)
        ]
        for place, edge in enumerate(self._edges):
            found += [
                (
                    DeviceState,
                    topics.device_state(edge),
                    partial(self._on_state, place),
                    qos.SENSOR,
                ),
                (
                    EdgeState,
                    topics.of_edge(edge, "heartbeat"),
                    partial(self._on_beat, place),
                    qos.BEAT,
                ),
                (Plan, topics.of_edge(edge, "plan"), partial(self._on_plan, place), qos.PLANS),
            ]
        return found

    def look(self, now_s: float) -> None:
        """Tell the planner who can be asked and what others hold, now."""
        for place, (watch, holds) in enumerate(zip(self._watches, self._holds, strict=True)):
            self._planner.meet_edge(place, not watch.trouble(now_s))
            holds.expire(now_s)
            top = holds.top()
            held = top is not None and not math.isnan(top.clock_hz)
            self._planner.share_edge(place, top.clock_hz if top and held else 0.0)

    def warning(self, now_s: float) -> str:
        """Return who is silent or not ready, empty: nobody."""
        silent = [
            "robot" if place is None else self._edges[place]
            for place in (None, *range(len(self._edges)))
            if now_s - self._states_s.get(place, -math.inf) > SILENT_AFTER_S
        ]
        troubles = [watch.trouble(now_s) for watch in self._watches]
        if silent:
            troubles.insert(0, f"no state from the device of {', '.join(silent)}")
        return "; ".join(trouble for trouble in troubles if trouble)

    def _on_beat(self, place: int, state: EdgeState) -> None:
        try:
            beat, cuts = message_to_beat(state, self._robot_id), message_to_cuts(state)
        except InvalidInput as error:
            self._refuse(error)
            return
        self._watches[place].heard(beat, time.monotonic())
        only = len(cuts) == 1 or self._planner.routes[0].cut == ""
        for cut in cuts[:1] if only else cuts:
            name = "" if self._planner.routes[0].cut == "" else cut.name
            self._planner.see_cut(Cut(name, cut.shape))

    def _on_plan(self, place: int, plan: Plan) -> None:
        """Take note of another robot's plan for an edge."""
        if plan.robot_id == self._robot_id or plan.edge != self._edges[place]:
            return
        try:
            check_name("robot_id", plan.robot_id)
            lease_s = checks.number("lease_s", plan.lease_s, above=0.0, high=60.0, unit="s")
            ends_s = time.monotonic() + lease_s
            self._holds[place].renew(Grant(plan.robot_id, plan.plan_id, plan.edge_ask_hz, ends_s))
        except InvalidInput as error:
            self._refuse(error)

    def _refuse(self, error: InvalidInput) -> None:
        self.refused, self.refusal = self.refused + 1, str(error)

    def _on_state(self, place: int | None, state: DeviceState) -> None:
        now_s, plan = time.monotonic(), self._planned()
        self._states_s[place] = now_s
        if place is None:
            planned_hz = plan.robot_clock_hz
        else:
            planned_hz = plan.edge_clock_hz if plan.edge == self._edges[place] else math.nan
        seen = Seen(
            plan_id=state.plan_id,
            message=state.message,
            planned_hz=planned_hz,
            requested_hz=state.requested_clock_hz,
            achieved_hz=state.clock_hz,
            default_hz=state.default_clock_hz,
            load=state.load,
        )
        limits = self._limits.setdefault(place, ClockLimits())
        self._planner.reach(limits.observe(seen, now_s), place)
