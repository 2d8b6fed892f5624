# SPDX-License-Identifier: Apache-2.0
"""Node ``device``: reads one machine's power and clock, and sets the clock that a plan asks for."""

from __future__ import annotations

import math
import time

from coinfer_ros.core import checks, limits
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.ports import PowerReading
from coinfer_ros.msg import DeviceState, Plan
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.parameters import DeviceSettings

LONGEST_LEASE_S = 60.0


class DeviceNode(CoinferNode[DeviceSettings]):
    """Holds a machine's clock under the lease that a plan is."""

    kind = DeviceSettings

    def configure(self) -> None:
        """Read the board file."""
        self._board = read_board(self.settings)

    def activate(self) -> None:
        """Open the machine, take plans, publish states."""
        machine = open_machine(
            self.settings, self._board, role=self.settings.role, held=self.active
        )
        self._machine = machine
        self._requested_hz, self._plan_id, self._lease_ends_s = math.nan, 0, math.inf
        self._message = "no plan yet"
        # What a former owner that was killed has left is undone here.
        machine.clock.request_hz(machine.clock.default_hz)
        self.active.callback(self._restore)
        self._last: PowerReading = machine.meter.read()
        self._states = self.create_publisher(DeviceState, "~/state", qos.SENSOR)
        self.active.callback(lambda: self.destroy_publisher(self._states))
        plans = self.create_subscription(Plan, "plan", self._on_plan, qos.PLAN)
        self.active.callback(lambda: self.destroy_subscription(plans))
        self._timer = self.create_timer(1.0 / self.settings.rate_hz, self._publish)
        self.active.callback(lambda: self.destroy_timer(self._timer))

    def settings_changed(self) -> None:
        """Take a new publishing rate."""
        self._timer.timer_period_ns = int(1e9 / self.settings.rate_hz)

    def diagnose(self) -> dict[str, object]:
        """Say which plan is in force."""
        return {"plan_id": self._plan_id, "warning": self._message}

    def _on_plan(self, plan: Plan) -> None:
        clock_hz = plan.robot_clock_hz if self.settings.role == "robot" else plan.edge_clock_hz
        if math.isnan(clock_hz):  # planned from a profile without clocks: its own pace
            self._restore()
            return
        try:
            limits.CLOCK_HZ.check("clock", clock_hz)
            checks.number("lease_s", plan.lease_s, above=0.0, high=LONGEST_LEASE_S, unit="s")
        except InvalidInput as error:
            self.get_logger().error(
                f"plan {plan.plan_id} refused: {error}", throttle_duration_sec=5.0
            )
            return
        self._requested_hz = self._machine.clock.request_hz(clock_hz)
        self._plan_id, self._message = plan.plan_id, ""
        self._lease_ends_s = time.monotonic() + plan.lease_s

    def _publish(self) -> None:
        if time.monotonic() > self._lease_ends_s:
            self._restore()
        now = self._machine.meter.read()
        elapsed_s = now.at_s - self._last.at_s
        load = (now.busy_s - self._last.busy_s) / elapsed_s if elapsed_s > 0.0 else math.nan
        mean_w = (now.energy_j - self._last.energy_j) / elapsed_s if elapsed_s > 0.0 else math.nan
        self._last = now
        self._states.publish(
            DeviceState(
                stamp=self.get_clock().now().to_msg(),
                device=self.settings.role,
                board=self._board.name,
                source=self._machine.source,
                simulated=self._machine.simulated,
                power_w=mean_w,
                idle_power_w=self._machine.meter.idle_power_w,
                energy_j=now.energy_j,
                energy_resolution_j=self._machine.meter.resolution_j,
                sensor_period_s=self._machine.meter.period_s,
                rails=["total"],
                rail_power_w=[now.power_w],
                requested_clock_hz=self._requested_hz,
                clock_hz=self._machine.clock.read_hz(),
                default_clock_hz=self._machine.clock.default_hz,
                temperature_c=math.nan,
                load=min(max(load, 0.0), 1.0),
                plan_id=self._plan_id,
                message=self._message,
            )
        )

    def _restore(self) -> None:
        if math.isfinite(self._requested_hz):
            self._machine.clock.request_hz(self._machine.clock.default_hz)
            self._message = f"plan {self._plan_id} ended; the default clock is back"
        self._requested_hz, self._plan_id, self._lease_ends_s = math.nan, 0, math.inf


def main() -> None:
    """Run the node."""
    run(DeviceNode, "device")
