# SPDX-License-Identifier: Apache-2.0
"""Node ``controller``: turns budgets and measurements into the plan that everyone follows."""

from __future__ import annotations

import dataclasses
import math
import time

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Policy
from coinfer_ros.core.planning import Decision, Question, Steady, shrunk
from coinfer_ros.core.planning.record import OBJECTIVES, STOPPED, Frame, PlanRecord, plan_record
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.msg import Answer, Basis, Costs, Plan, Trace
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import message_to_measured
from coinfer_ros.nodes.convert.basis import basis_message, costs_message
from coinfer_ros.nodes.fleet import Fleet
from coinfer_ros.nodes.planning import Planning, check_energy, energy_limit_j
from coinfer_ros.nodes.steady import steady_timer
from coinfer_ros.parameters import ControllerSettings
from coinfer_ros.srv import WhatIf


class ControllerNode(CoinferNode[ControllerSettings]):
    """Plans anew whenever a budget or what was learnt changes, and renews the lease between."""

    kind = ControllerSettings

    def configure(self) -> None:
        """Read the machines, boards or profiles, and count the work."""
        planning = Planning(self.settings)
        self._edges = planning.edges
        self._planner = planning.planner()
        self._wire_widths(self.settings)
        self.add_on_set_parameters_callback(self._check_live)
        self.configured.callback(self.remove_on_set_parameters_callback, self._check_live)

    def activate(self) -> None:
        """Publish the first plan, listen, answer what-if questions."""
        settings = self.settings
        self._plan: PlanRecord | None = None
        self._message, self._basis = Plan(), Basis()
        self._weight_rate = self._switch_s = 0.0
        self._steady = Steady(dwell_s=settings.dwell_s, hysteresis=settings.hysteresis)
        self._decided: Decision | None = None
        self._framed: Frame | None = None
        self._refused = 0
        self._plans = self._publisher(Plan, "plan", qos.PLAN)
        self._edge_plans = [
            self._publisher(Plan, topics.of_edge(edge, "plan"), qos.PLAN) for edge in self._edges
        ]
        self._bases = self._publisher(Basis, "basis", qos.PLAN)
        costs = self._publisher(Costs, "costs", qos.PLAN)
        costs.publish(
            costs_message(settings.robot_id, self._planner.routes, self._edges, WEIGHT_BITS)
        )
        self._fleet = Fleet(
            self._planner,
            self._edges,
            robot_id=settings.robot_id,
            silence_s=settings.silence_s,
            planned=lambda: self._message,
        )
        for kind, topic, callback, profile in (
            (Trace, "trace", self._on_trace, qos.TRACE),
            *self._fleet.subscriptions,
        ):
            subscription = self.create_subscription(kind, topic, callback, profile)
            self.active.callback(lambda s=subscription: self.destroy_subscription(s))
        service = self.create_service(WhatIf, "~/what_if", self._on_what_if)
        self.active.callback(lambda: self.destroy_service(service))
        timer = steady_timer(self, settings.renewal_s, self._renew)
        self.active.callback(lambda: self.destroy_timer(timer))
        self._renew()

    def settings_changed(self) -> None:
        """Plan at once under the new budgets."""
        self._renew()

    def diagnose(self) -> dict[str, object]:
        """Say what is planned, what the link gives, and who is silent."""
        plan, learnt = self._message, self._planner.state.learnt
        warning = self._fleet.warning(time.monotonic())
        if plan.status != Plan.OPTIMAL:
            warning = plan.message
        links = {
            f"link_{name}": f"{1e3 * edge.link.round_trip_s:.1f} ms round trip, "
            f"{edge.link.goodput_bps / 1e6:.3g} Mbit/s"
            for name, edge in zip(self._edges, learnt.edges, strict=True)
        }
        return {
            "plan_id": plan.plan_id,
            "bits": plan.weight_bits,
            "margin_s": learnt.margin_s,
            "traces_refused": self._refused,
            "others_refused": self._fleet.refused,
            "last_refusal": self._fleet.refusal,
            **links,
            "warning": warning,
        }

    def _publisher(self, kind: type, topic: str, profile: object) -> object:
        publisher = self.create_publisher(kind, topic, profile)
        self.active.callback(lambda: self.destroy_publisher(publisher))
        return publisher

    def _check_live(self, parameters: list[Parameter]) -> SetParametersResult:
        """Refuse what no plan could be made for; each value's own rule is checked elsewhere."""
        try:
            for parameter in parameters:
                value = parameter.value
                if parameter.name == "budget.energy_j" and isinstance(value, float | int):
                    check_energy(value, self._planner)
            self._check_widths({p.name: p.value for p in parameters})
        except InvalidInput as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_widths(self, changes: dict[str, object]) -> None:
        """Refuse bounds of the widths between which nothing was measured or nothing lies."""
        names = ("min_bits", "max_bits", "min_wire_bits", "max_wire_bits")
        found = {n: changes.get(f"quant.{n}", getattr(self.settings, n)) for n in names}
        if not all(isinstance(value, int) for value in found.values()):
            return  # refused by its own rule
        asked = dataclasses.replace(self.settings, **found)
        question = Question(Budget(), _widths(asked) or WEIGHT_BITS, self._wire_widths(asked))
        if asked.min_bits > asked.max_bits:
            raise InvalidInput(
                f"quant.min_bits must be at most quant.max_bits, got {asked.min_bits} and "
                f"{asked.max_bits}"
            )
        self._planner.decide(question)

    def _wire_widths(self, settings: ControllerSettings) -> tuple[int, ...]:
        low, high = settings.min_wire_bits, settings.max_wire_bits
        if low > high:
            raise InvalidInput(
                f"quant.min_wire_bits must be at most quant.max_wire_bits, got {low} and {high}"
            )
        return tuple(bits for bits in WIRE_BITS if low <= bits <= high)

    def _on_trace(self, trace: Trace) -> None:
        try:
            measured = message_to_measured(trace, self._edges)
            if trace.status == Answer.OK or measured.overdue:
                self._planner.learn(measured)
        except InvalidInput as error:
            self._refused += 1
            self.get_logger().warning(f"trace refused: {error}", throttle_duration_sec=5.0)
            return
        self._weight_rate = measured.weight_rate
        self._switch_s = trace.switch_s if math.isfinite(trace.switch_s) else 0.0

    def _on_what_if(self, request: WhatIf.Request, response: WhatIf.Response) -> WhatIf.Response:
        try:
            budget = Budget(request.delay_s, request.energy_j)
            decision = self._planner.decide(self._question(budget))
            record = self._record(decision, self._frame(budget), plan_id=0)
            response.plan = Plan(**dataclasses.asdict(record))
            response.success, response.message = True, record.message
        except CoinferError as error:
            response.success, response.message = False, str(error)
        return response

    def _question(self, budget: Budget) -> Question:
        settings = self.settings
        return Question(
            budget,
            _widths(settings),
            self._wire_widths(settings),
            OBJECTIVES[settings.objective],
            Policy(settings.policy),
        )

    def _frame(self, budget: Budget) -> Frame:
        settings = self.settings
        return Frame(
            robot_id=settings.robot_id,
            edges=self._edges,
            weight_rate=self._weight_rate,
            percentile=settings.percentile,
            lease_s=settings.lease_s,
            budget_delay_s=budget.delay_s,
            budget_energy_j=budget.energy_j,
        )

    def _record(self, decision: Decision, frame: Frame, *, plan_id: int) -> PlanRecord:
        margin_s = self._planner.state.learnt.margin_s
        return plan_record(decision, frame, plan_id=plan_id, margin_s=margin_s)

    def _renew(self) -> None:
        settings, now_s = self.settings, time.monotonic()
        self._fleet.look(now_s)
        budget = Budget(settings.delay_s, energy_limit_j(settings.energy_j))
        question, state, frame = self._question(budget), self._planner.state, self._frame(budget)
        self._steady.dwell_s, self._steady.hysteresis = settings.dwell_s, settings.hysteresis
        cautious = dataclasses.replace(question, budget=shrunk(budget, settings.hysteresis))
        kept = self._steady.kept
        decision = self._steady.choose(
            self._planner.decide(question),
            cautious=self._planner.decide(cautious),
            again=kept and self._planner.again(kept),
            question=(
                question,
                state.robot_reach,
                state.edge_reach,
                state.others_hz,
                state.present,
            ),
            switch_s=self._switch_s,
            now_s=now_s,
        )
        if decision is not self._decided or frame != self._framed:
            self._take(decision, frame)
        for publisher in (self._plans, *self._edge_plans):
            publisher.publish(self._message)

    def _take(self, decision: Decision, frame: Frame) -> None:
        """Make the decision the plan in force, with what it was made of beside it."""
        fresh = decision is not self._decided
        self._decided, self._framed = decision, frame
        margin_s = self._planner.state.learnt.margin_s if fresh else self._plan.margin_s
        plan = plan_record(decision, frame, plan_id=self._message.plan_id + 1, margin_s=margin_s)
        if fresh:
            self._basis = basis_message(
                self._planner.state, decision.question, plan, self._edges, self._weight_rate
            )
        self._basis.plan_id, self._basis.weight_rate = plan.plan_id, frame.weight_rate
        self._plan, self._message = plan, Plan(**dataclasses.asdict(plan))
        self._bases.publish(self._basis)
        self.get_logger().info(f"plan {plan.plan_id}: {_sentence(plan)}")


def _widths(settings: ControllerSettings) -> tuple[int, ...]:
    return tuple(b for b in WEIGHT_BITS if settings.min_bits <= b <= settings.max_bits)


def _sentence(plan: PlanRecord) -> str:
    if plan.status == STOPPED:
        return f"stopped; {plan.message}"
    return (
        f"{plan.weight_bits} bits, {plan.wire_bits} on the wire to {plan.edge}, robot "
        f"{_clock(plan.robot_clock_hz)}, edge {_clock(plan.edge_clock_hz)} for "
        f"{plan.predicted_delay_s:.3f} s and {plan.predicted_energy_j:.2f} J; {plan.message}"
    )


def _clock(clock_hz: float) -> str:
    return "at its own pace" if math.isnan(clock_hz) else f"{clock_hz / 1e6:.0f} MHz"


def main() -> None:
    """Run the node."""
    run(ControllerNode, "controller")
