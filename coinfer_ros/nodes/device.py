# SPDX-License-Identifier: Apache-2.0
"""Node ``device``: reads one machine's power and clock, and sets the clock that a plan asks for."""

from __future__ import annotations

import math
import time
from pathlib import Path

from rclpy.experimental.events_executor import EventsExecutor

from coinfer_ros.core import checks, limits
from coinfer_ros.core.achieved import Achieved
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.lease import Lease
from coinfer_ros.core.ports import ClockReading
from coinfer_ros.msg import DeviceState, Plan
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import LONGEST_NAME_BYTES, check_text
from coinfer_ros.nodes.device_state import measured_state
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.steady import steady_timer
from coinfer_ros.parameters import DeviceSettings

LONGEST_LEASE_S = 60.0
# How often at least it looks whether a lease has ended or a change that had to wait is due, s.
LONGEST_TICK_S = 0.1


class DeviceNode(CoinferNode[DeviceSettings]):
    """Holds a machine's clock under the lease that a plan is."""

    kind = DeviceSettings

    def configure(self) -> None:
        """Read the board file."""
        self._board = read_board(self.settings)

    def activate(self) -> None:
        """Open the machine, put right what a killed owner left, take plans, publish states."""
        settings = self.settings
        self._machine = open_machine(
            settings,
            self._board,
            role=settings.role,
            held=self.active,
            owner_folder=Path(settings.clock_folder).expanduser(),
            telemetry=True,
        )
        if self._machine.note:
            self.get_logger().warning(self._machine.note)
        self._machine.clock.release()  # of a simulated board, what a killed owner left
        self._lease = Lease(dwell_s=settings.dwell_s, most_changes=settings.changes_a_minute)
        self._achieved = Achieved(tolerance=settings.tolerance, settle_s=settings.settle_s)
        self._ended, self._refused, self._fault = "no plan yet", "", ""
        self._warned = self._machine.note
        self._last = self._machine.meter.read()
        self.active.callback(self._give_back)
        self._states = self.create_publisher(DeviceState, "~/state", qos.SENSOR)
        self.active.callback(lambda: self.destroy_publisher(self._states))
        # An edge's clock is held by the plans of all robots, a robot's by its own controller's.
        of_edge = settings.role == "edge"
        plans = self.create_subscription(
            Plan,
            topics.of_edge(settings.edge_id, "plan") if of_edge else "plan",
            self._on_plan,
            qos.PLANS if of_edge else qos.PLAN,
        )
        self.active.callback(lambda: self.destroy_subscription(plans))
        # One timer for both: waking up is what costs.
        self._published_s = -math.inf
        self._timer = steady_timer(self, self._tick_s, self._tick)
        self.active.callback(lambda: self.destroy_timer(self._timer))

    def settings_changed(self) -> None:
        """Take a new publishing rate, pace of changes and tolerance."""
        settings = self.settings
        self._timer.timer_period_ns = int(1e9 * self._tick_s)
        self._lease.pace(dwell_s=settings.dwell_s, most_changes=settings.changes_a_minute)
        self._achieved.tolerance = settings.tolerance
        self._achieved.settle_s = settings.settle_s

    def describe(self) -> str:
        """Say what measures the machine and what its clock is."""
        info, steps = self._machine.meter.info, self._machine.clock.steps_hz
        every = "" if math.isnan(info.period_s) else f", new every {info.period_s:g} s"
        clock = "none"
        if steps:
            clock = f"{len(steps)} steps, {steps[0] / 1e6:.0f} to {steps[-1] / 1e6:.0f} MHz"
        return f"power by {info.source} ({info.covers}{every}); clock: {clock}"

    def diagnose(self) -> dict[str, object]:
        """Say which plan is in force, what measures, and what was left out and why."""
        meter = self._machine.meter
        return {
            "plan_id": self._lease.plan_id,
            "meter": f"{meter.info.source}: {meter.info.covers}",
            "idle_power_w": meter.idle_power_w,
            "left_out": meter.faults,
            "last_left_out": meter.faults.last,
            "warning": self._message or self._machine.note,
        }

    def _on_plan(self, plan: Plan) -> None:
        clock_hz = self._asked_hz(plan)
        try:
            if not math.isnan(clock_hz):  # NaN: planned without clocks, at its own pace
                limits.CLOCK_HZ.check("clock", clock_hz)
            checks.number("lease_s", plan.lease_s, above=0.0, high=LONGEST_LEASE_S, unit="s")
            check_text("robot_id", plan.robot_id, LONGEST_NAME_BYTES)
            self._lease.renew(
                holder=plan.robot_id,
                plan_id=plan.plan_id,
                clock_hz=clock_hz,
                lease_s=plan.lease_s,
                now_s=time.monotonic(),
            )
        except InvalidInput as error:
            self.get_logger().error(
                f"plan {plan.plan_id} refused: {error}", throttle_duration_sec=5.0
            )
            return
        self._follow()

    def _asked_hz(self, plan: Plan) -> float:
        """Return the clock that a plan asks of this machine, Hz; NaN: its own pace."""
        if self.settings.role == "robot":
            return float(plan.robot_clock_hz)
        # A plan by another edge lets this one go.
        mine = plan.edge in ("", self.settings.edge_id)
        return float(plan.edge_ask_hz) if mine else math.nan

    def _follow(self) -> None:
        """Do what the lease says is due."""
        now_s = time.monotonic()
        if (ended := self._lease.expire(now_s)) is not None:
            self._ended = f"plan {ended} ended; the clock is given back"
        due_hz = self._lease.due_hz(now_s)
        if due_hz is None:
            return
        try:
            step_hz = self._set(due_hz)
        except CoinferError as error:
            self._lease.failed(now_s)
            self._achieved.request(math.nan, now_s)
            self._refused = str(error)
            if self._refused != self._warned:
                self._warned = self._refused
                self.get_logger().warning(self._refused)
            return
        self._lease.done(due_hz, now_s)
        self._achieved.request(step_hz, now_s)
        self._refused = self._step_words(due_hz, step_hz)

    def _set(self, clock_hz: float) -> float:
        """Set the clock, NaN: give it back; return the step that it was set to."""
        if math.isnan(clock_hz):
            self._machine.clock.release()
            return math.nan
        return self._machine.clock.request_hz(clock_hz)

    def _step_words(self, planned_hz: float, step_hz: float) -> str:
        """Return how far the nearest step is from the plan, empty: near enough."""
        near = abs(step_hz - planned_hz) <= self.settings.tolerance * planned_hz
        if near or math.isnan(step_hz):
            return ""
        return f"the nearest step is {step_hz / 1e6:.0f} MHz and not {planned_hz / 1e6:.0f}"

    @property
    def _tick_s(self) -> float:
        return min(1.0 / self.settings.rate_hz, LONGEST_TICK_S)

    def _tick(self) -> None:
        self._follow()
        now_s = time.monotonic()
        # A tick may come a little early.
        if now_s - self._published_s >= 1.0 / self.settings.rate_hz - 0.5 * self._tick_s:
            self._published_s = now_s
            self._publish()

    def _publish(self) -> None:
        now = self._machine.meter.read()
        clock, unread = self._clock_now()
        state = measured_state(self._machine, before=self._last, now=now, clock=clock)
        self._last = now
        self._fault = unread or self._achieved.fault(clock, state.load, now.at_s)
        if self._fault and not unread and not clock.throttle:
            self._lease.lost()  # something else has set it: a driver loaded anew, another tool
        state.stamp = self.get_clock().now().to_msg()
        state.device = self.settings.role
        state.board = self._board.name if self.settings.backend == "simulated" else ""
        state.requested_clock_hz = self._achieved.requested_hz
        grant = self._lease.grant
        state.plan_id = grant.plan_id if grant else 0
        state.robot_id = grant.holder if grant else ""
        state.leases = self._lease.holders
        state.message = self._message
        holds = self._achieved.holds(clock, state.load)
        state.applied = self._lease.in_force and holds and not state.message
        self._states.publish(state)

    def _clock_now(self) -> tuple[ClockReading, str]:
        """Return the clock, and why it cannot be read."""
        try:
            return self._machine.clock.achieved(), ""
        except CoinferError as error:
            self._machine.meter.faults.add("clock not readable", str(error))
            return ClockReading(math.nan), str(error)

    @property
    def _message(self) -> str:
        """Why the plan's clock is not applied; with no plan in force, why there is none."""
        return self._fault or self._refused or ("" if self._lease.grant else self._ended)

    def _give_back(self) -> None:
        self._machine.clock.release()


def main() -> int:
    """Run the node; return the exit status."""
    # Half of what it costs is the executor's: this one waits for events instead of asking everyone.
    return run(DeviceNode, "device", executor=EventsExecutor)
