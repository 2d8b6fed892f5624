# SPDX-License-Identifier: Apache-2.0
"""Node ``simulator``: a room with a robot in it, in the place of a real robot's camera and base."""

from __future__ import annotations

import math

from geometry_msgs.msg import Twist
from std_srvs.srv import SetBool, Trigger

from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.world_topics import WorldTopics
from coinfer_ros.parameters import SimulatorSettings
from coinfer_ros.sim.arena.arena import Arena
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics
from coinfer_ros.sim.arena.named import named_arena
from coinfer_ros.sim.arena.pace import Pace
from coinfer_ros.sim.arena.simulation import Simulation
from coinfer_ros.sim.arena.wheels import Wheels

SLOW_FACTOR = 0.9  # of the rate that was asked for


class SimulatorNode(CoinferNode[SimulatorSettings]):
    """A world in a thread of its own; callbacks hand over to it."""

    kind = SimulatorSettings

    def configure(self) -> None:
        """Look the room up; a machine that cannot draw is refused here."""
        self._arena()
        self._graphics = use_offscreen_graphics()

    def activate(self) -> None:
        """Open the world and let time pass."""
        arena, settings = self._arena(), self.settings
        self._problem = ""
        self._simulation = Simulation(
            arena,
            WorldTopics(self, arena.robot.camera, self.active),
            pace=Pace(settings.rate),
            wheels=Wheels(settings.timeout_s),
            failed=self._failed,
        )
        self.active.callback(self._simulation.close)
        commands = self.create_subscription(Twist, "cmd_vel", self._on_command, qos.MOTION)
        self.active.callback(lambda: self.destroy_subscription(commands))
        for kind, name, callback in (
            (Trigger, "~/reset", self._on_reset),
            (SetBool, "~/pause", self._on_pause),
        ):
            service = self.create_service(kind, name, callback)
            self.active.callback(self.destroy_service, service)
        self._simulation.start()

    def settings_changed(self) -> None:
        """Take another rate and timeout; a seed waits for the next reset."""
        self._simulation.wheels.timeout_s = self.settings.timeout_s
        self._simulation.set_rate(self.settings.rate)

    def describe(self) -> str:
        """Say where the robot is and what draws it."""
        return f"{self.settings.world}, drawn by {self._graphics}"

    def diagnose(self) -> dict[str, object]:
        """Say how fast time passes, and what became of commands."""
        simulation = self._simulation
        factor = simulation.pace.factor
        return {
            "world": self.settings.world,
            "graphics": self._graphics,
            "time_s": f"{simulation.time_s:.3f}",
            "paused": simulation.paused,
            "real_time_factor": f"{factor:.3f}",
            "images": simulation.images,
            "commands": simulation.wheels.taken,
            "commands_clipped": simulation.wheels.clipped,
            "commands_refused": simulation.wheels.refused,
            "warning": self._problem or self._pace_warning(factor),
        }

    def _pace_warning(self, factor: float) -> str:
        rate, delays = self.settings.rate, "delays in real seconds are not those of the room"
        if not math.isnan(factor) and factor < SLOW_FACTOR * rate:
            return f"this machine is too slow: real-time factor {factor:.2f} of {rate:g}; {delays}"
        return f"clock.rate is {rate:g}: {delays}" if rate != 1.0 else ""

    def _arena(self) -> Arena:
        return named_arena(self.settings.world, self.settings.seed)

    def _on_command(self, twist: Twist) -> None:
        try:
            self._simulation.wheels.ask(twist.linear.x, twist.angular.z)
        except InvalidInput as error:
            self.get_logger().error(f"cmd_vel refused: {error}", throttle_duration_sec=1.0)

    def _on_reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        # Who asks wants to go on in the new room: the answer comes when it is there.
        try:
            self._simulation.reset(self._arena())
        except Exception as error:  # whatever the graphics say: who asks must hear it
            self._failed(error)
            response.success, response.message = False, self._problem
        else:
            self._problem = ""
            response.success, response.message = True, f"{self.settings.world} from its beginning"
        return response

    def _on_pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        try:
            self._simulation.pause(request.data)
        except CoinferError as error:
            response.success, response.message = False, str(error)
        else:
            response.success, response.message = True, "paused" if request.data else "running"
        return response

    def _failed(self, error: Exception) -> None:
        self._problem = f"the world stands still after: {error!r}; ~/reset begins it anew"
        self.get_logger().error(self._problem)


def main() -> None:
    """Run the node."""
    run(SimulatorNode, "simulator")
