# SPDX-License-Identifier: Apache-2.0
"""Node ``controller``: turns budgets and measurements into the plan that everyone follows."""

from __future__ import annotations

import math
import time

from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.clock_limits import ClockLimits, Seen
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Point, Policy
from coinfer_ros.core.planner import Decision
from coinfer_ros.core.steady import Steady
from coinfer_ros.msg import Answer, DeviceState, Plan, Trace
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import message_to_measured
from coinfer_ros.nodes.planning import Planning, check_energy, energy_limit_j
from coinfer_ros.parameters import OBJECTIVES, ControllerSettings
from coinfer_ros.srv import WhatIf

RENEWALS_A_LEASE = 4
SILENT_AFTER_S = 1.0
ROLES = ("robot", "edge")


class ControllerNode(CoinferNode[ControllerSettings]):
    """Plans anew whenever a budget or what was learnt changes, and renews the lease between."""

    kind = ControllerSettings

    def configure(self) -> None:
        """Read both machines, boards or profiles, and count the work."""
        self._planner = Planning(self.settings).planner()
        self.add_on_set_parameters_callback(self._check_live)
        self.configured.callback(self.remove_on_set_parameters_callback, self._check_live)

    def activate(self) -> None:
        """Publish the first plan, listen, answer what-if questions."""
        self._plan, self._weight_rate = Plan(), 0.0
        self._planned = ""
        self._steady = Steady(self.settings.dwell_s)
        self._heard_s: dict[str, float] = {}
        self._refused = 0
        self._limits = {role: ClockLimits() for role in ROLES}
        self._plans = self.create_publisher(Plan, "plan", qos.PLAN)
        self.active.callback(lambda: self.destroy_publisher(self._plans))
        for kind, topic, callback, profile in (
            (Trace, "trace", self._on_trace, qos.TRACE),
            (DeviceState, "robot_device/state", self._on_state, qos.SENSOR),
            (DeviceState, "edge_device/state", self._on_state, qos.SENSOR),
        ):
            subscription = self.create_subscription(kind, topic, callback, profile)
            self.active.callback(lambda s=subscription: self.destroy_subscription(s))
        service = self.create_service(WhatIf, "~/what_if", self._on_what_if)
        self.active.callback(lambda: self.destroy_service(service))
        timer = self.create_timer(self.settings.lease_s / RENEWALS_A_LEASE, self._renew)
        self.active.callback(lambda: self.destroy_timer(timer))
        self._renew()

    def settings_changed(self) -> None:
        """Plan at once under the new budgets."""
        self._renew()

    def diagnose(self) -> dict[str, object]:
        """Say what is planned, and which device is silent."""
        now_s = time.monotonic()
        silent = [
            role for role in ROLES if now_s - self._heard_s.get(role, -math.inf) > SILENT_AFTER_S
        ]
        warning = f"no state from the device of {', '.join(silent)}" if silent else ""
        if self._plan.status != Plan.OPTIMAL:
            warning = self._plan.message
        return {
            "plan_id": self._plan.plan_id,
            "bits": self._plan.weight_bits,
            "traces_refused": self._refused,
            "warning": warning,
        }

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
        """Refuse bounds of the width between which nothing was measured or nothing lies."""
        low, high = (
            changes.get(f"quant.{name}", getattr(self.settings, name))
            for name in ("min_bits", "max_bits")
        )
        if not (isinstance(low, int) and isinstance(high, int)):
            return  # refused by its own rule
        if low > high:
            raise InvalidInput(
                f"quant.min_bits must be at most quant.max_bits, got {low} and {high}"
            )
        self._planner.decide(Budget(), _widths(low, high) or WEIGHT_BITS)

    def _on_trace(self, trace: Trace) -> None:
        try:
            measured = message_to_measured(trace)
        except InvalidInput as error:
            self._refused += 1
            self.get_logger().warning(f"trace refused: {error}", throttle_duration_sec=5.0)
            return
        self._weight_rate = measured.weight_rate
        if trace.status == Answer.OK:
            self._planner.learn(measured)

    def _on_state(self, state: DeviceState) -> None:
        now_s = time.monotonic()
        self._heard_s[state.device] = now_s
        if state.device in self._limits:
            seen = Seen(
                plan_id=state.plan_id,
                message=state.message,
                planned_hz=getattr(self._plan, f"{state.device}_clock_hz"),
                requested_hz=state.requested_clock_hz,
                achieved_hz=state.clock_hz,
                default_hz=state.default_clock_hz,
                load=state.load,
            )
            self._planner.reach(state.device, self._limits[state.device].observe(seen, now_s))

    def _on_what_if(self, request: WhatIf.Request, response: WhatIf.Response) -> WhatIf.Response:
        try:
            response.plan = self._to_message(
                self._decide(Budget(request.delay_s, request.energy_j)), plan_id=0
            )
            response.success, response.message = True, response.plan.message
        except CoinferError as error:
            response.success, response.message = False, str(error)
        return response

    def _decide(self, budget: Budget) -> Decision:
        settings = self.settings
        return self._planner.decide(
            budget,
            _widths(settings.min_bits, settings.max_bits),
            objective=OBJECTIVES[settings.objective],
            policy=Policy(settings.policy),
        )

    def _renew(self) -> None:
        settings = self.settings
        budget = Budget(settings.delay_s, energy_limit_j(settings.energy_j))
        self._steady.dwell_s = settings.dwell_s
        decision = self._steady.choose(
            self._decide(budget),
            question=(budget, settings, self._planner.reached),
            keeps=lambda point: self._planner.keeps(point, budget),
            now_s=time.monotonic(),
        )
        # As text: what is not known is NaN, which is equal to nothing.
        of = (settings.objective, settings.policy, settings.wire_bits)
        planned = repr((decision, of, self._weight_rate))
        if planned != self._planned:
            self._planned = planned
            self._plan = self._to_message(decision, plan_id=self._plan.plan_id + 1)
            self.get_logger().info(f"plan {self._plan.plan_id}: {_sentence(self._plan)}")
        self._plans.publish(self._plan)

    def _to_message(self, decision: Decision, *, plan_id: int) -> Plan:
        point, solution, settings = decision.point, decision.solution, self.settings
        stopped = point is None
        if point is None:
            point = Point(settings.min_bits, math.nan, math.nan, math.nan, math.nan)
        known = self._weight_rate > 0.0 and not stopped  # λ comes with the first trace
        distortion = rate_distortion.at_bits(point.bits, self._weight_rate if known else 1.0)
        status = Plan.STOPPED if stopped else Plan.INFEASIBLE
        return Plan(
            plan_id=plan_id,
            status=Plan.OPTIMAL if decision.feasible else status,
            message=solution.message,
            objective=settings.objective,
            policy=settings.policy,
            budget_delay_s=decision.budget.delay_s,
            budget_energy_j=decision.budget.energy_j,
            weight_bits=point.bits,
            wire_bits=settings.wire_bits,
            robot_clock_hz=point.robot_clock_hz,
            edge_clock_hz=point.edge_clock_hz,
            predicted_delay_s=point.delay_s,
            overhead_s=decision.overhead_s,
            predicted_energy_j=point.energy_j,
            distortion_lower=distortion.lower if known else math.nan,
            distortion_exact=distortion.exact if known else math.nan,
            distortion_upper=distortion.upper if known else math.nan,
            binding=solution.binding,
            nearest_delay_s=_or_nan(solution.nearest_delay_s),
            nearest_energy_j=_or_nan(solution.nearest_energy_j),
            lease_s=settings.lease_s,
        )


def _widths(min_bits: int, max_bits: int) -> list[int]:
    return [bits for bits in WEIGHT_BITS if min_bits <= bits <= max_bits]


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _sentence(plan: Plan) -> str:
    if plan.status == Plan.STOPPED:
        return f"stopped; {plan.message}"
    return (
        f"{plan.weight_bits} bits, robot {_clock(plan.robot_clock_hz)}, edge "
        f"{_clock(plan.edge_clock_hz)} for {plan.predicted_delay_s:.3f} s and "
        f"{plan.predicted_energy_j:.2f} J; {plan.message}"
    )


def _clock(clock_hz: float) -> str:
    return "at its own pace" if math.isnan(clock_hz) else f"{clock_hz / 1e6:.0f} MHz"


def main() -> None:
    """Run the node."""
    run(ControllerNode, "controller")
