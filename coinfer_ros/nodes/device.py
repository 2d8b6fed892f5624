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
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.device_state import measured_state
from coinfer_ros.nodes.machine import open_machine, read_board
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
        )
        if self._machine.note:
            self.get_logger().warning(self._machine.note)
        self._machine.clock.release()  # of a simulated board, what a killed owner left
        self._lease = Lease(dwell_s=settings.dwell_s, most_changes=settings.changes_a_minute)
        self._achieved = Achieved(tolerance=settings.tolerance, settle_s=settings.settle_s)
        self._message, self._fault, self._warned = "no plan yet", "", ""
        self._last = self._machine.meter.read()
        self.active.callback(self._give_back)
        self._states = self.create_publisher(DeviceState, "~/state", qos.SENSOR)
        self.active.callback(lambda: self.destroy_publisher(self._states))
        plans = self.create_subscription(Plan, "plan", self._on_plan, qos.PLAN)
        self.active.callback(lambda: self.destroy_subscription(plans))
        # One timer for both: waking up is what costs.
        self._published_s = -math.inf
        self._timer = self.create_timer(self._tick_s, self._tick)
        self.active.callback(lambda: self.destroy_timer(self._timer))

    def settings_changed(self) -> None:
        """Take a new publishing rate, pace of changes and tolerance."""
        settings = self.settings
        self._timer.timer_period_ns = int(1e9 * self._tick_s)
        self._lease.pace(dwell_s=settings.dwell_s, most_changes=settings.changes_a_minute)
        self._achieved.tolerance = settings.tolerance
        self._achieved.settle_s = settings.settle_s

    def diagnose(self) -> dict[str, object]:
        """Say which plan is in force, what measures, and what was left out and why."""
        meter = self._machine.meter
        return {
            "plan_id": self._lease.plan_id,
            "meter": f"{meter.info.source}: {meter.info.covers}",
            "idle_power_w": meter.idle_power_w,
            "left_out": meter.faults,
            "last_left_out": meter.faults.last,
            "warning": self._fault or self._message,
        }

    def _on_plan(self, plan: Plan) -> None:
        clock_hz = plan.robot_clock_hz if self.settings.role == "robot" else plan.edge_clock_hz
        try:
            if not math.isnan(clock_hz):  # NaN: planned without clocks, at its own pace
                limits.CLOCK_HZ.check("clock", clock_hz)
            checks.number("lease_s", plan.lease_s, above=0.0, high=LONGEST_LEASE_S, unit="s")
        except InvalidInput as error:
            self.get_logger().error(
                f"plan {plan.plan_id} refused: {error}", throttle_duration_sec=5.0
            )
            return
        if self._lease.grant is None or plan.plan_id != self._lease.plan_id:
            self._message = ""
        self._lease.renew(
            plan_id=plan.plan_id,
            clock_hz=clock_hz,
            lease_s=plan.lease_s,
            now_s=time.monotonic(),
        )
        self._follow()

    def _follow(self) -> None:
        """Do what the lease says is due."""
        now_s = time.monotonic()
        if (ended := self._lease.expire(now_s)) is not None:
            self._message = f"plan {ended} ended; the clock is given back"
        due_hz = self._lease.due_hz(now_s)
        if due_hz is None:
            return
        try:
            step_hz = self._set(due_hz)
        except CoinferError as error:
            self._lease.failed(now_s)
            self._achieved.request(math.nan, now_s)
            self._message = str(error)
            if self._message != self._warned:
                self._warned = self._message
                self.get_logger().warning(self._message)
            return
        self._lease.done(due_hz, now_s)
        self._achieved.request(step_hz, now_s)
        if not math.isnan(step_hz):
            self._message = ""

    def _set(self, clock_hz: float) -> float:
        """Set the clock, NaN: give it back; return the step that it was set to."""
        if math.isnan(clock_hz):
            self._machine.clock.release()
            return math.nan
        return self._machine.clock.request_hz(clock_hz)

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
        try:
            clock = self._machine.clock.achieved()
        except CoinferError as error:
            clock = ClockReading(math.nan)
            self._machine.meter.faults.add("clock not readable", str(error))
        state = measured_state(self._machine, before=self._last, now=now, clock=clock)
        self._last = now
        self._fault = self._achieved.fault(clock, state.load, now.at_s)
        state.stamp = self.get_clock().now().to_msg()
        state.device, state.board = self.settings.role, self._board.name
        state.requested_clock_hz = self._achieved.requested_hz
        state.plan_id = self._lease.plan_id
        state.message = self._fault or self._message
        state.applied = self._lease.in_force and not state.message
        self._states.publish(state)

    def _give_back(self) -> None:
        self._machine.clock.release()


def main() -> None:
    """Run the node."""
    # Half of what it costs is the executor's: this one waits for events instead of asking everyone.
    run(DeviceNode, "device", executor=EventsExecutor)
