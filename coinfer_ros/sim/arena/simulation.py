# SPDX-License-Identifier: Apache-2.0
"""Runs a world at the pace of the wall clock, in a thread of its own."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer
from typing import ParamSpec, Protocol

from coinfer_ros.core.errors import PeerTimeout
from coinfer_ros.sim.arena.arena import Arena, Pose
from coinfer_ros.sim.arena.mjcf import TIMESTEP_S
from coinfer_ros.sim.arena.pace import Pace
from coinfer_ros.sim.arena.relative import seen_from
from coinfer_ros.sim.arena.wheels import Wheels
from coinfer_ros.sim.arena.world import Image, World

CLOCK_HZ = 50.0  # of the clock and the odometry
STEP_NS = round(TIMESTEP_S * 1e9)
# How long the thread may sleep at a time, so that who asks it for something is soon heard, s.
_LONGEST_SLEEP_S = 0.05
_PAUSED_CLOCK_S = 0.1  # who comes while it stands learns the time within so long
# To make another world takes a second; with a processor that draws and is busy, some.
_ANSWER_S = 60.0
P = ParamSpec("P")


class Outlet(Protocol):
    """Hears what happens in a world; all calls come from the world's thread."""

    def clock(self, time_ns: int) -> None:
        """Hear the simulated time, before all else of that moment."""
        ...

    def odometry(self, time_ns: int, pose: Pose, speed: tuple[float, float]) -> None:
        """Hear what the wheels say: pose from the start, forward m/s and turning rad/s."""
        ...

    def image(self, time_ns: int, pixels: Image) -> None:
        """Hear what the camera sees, sRGB (H, W, 3)."""
        ...


class Simulation:
    """One world and its time; what it draws with belongs to the thread that made it.

    :param arena: what there is.
    :param outlet: hears what happens from :meth:`start` on.
    :param failed: told why the world stands still for good, from its thread.
    :raises Unavailable: when MuJoCo is not here, or nothing to draw with.
    """

    def __init__(
        self,
        arena: Arena,
        outlet: Outlet,
        *,
        pace: Pace,
        wheels: Wheels,
        failed: Callable[[Exception], None],
    ) -> None:
        self.pace, self.wheels = pace, wheels
        self.paused = False
        self.images = 0
        self._outlet, self._failed = outlet, failed
        self._arena: Arena | None = arena
        self._steps = 0
        self._image_steps = _steps_an_image(arena)
        self._stopping = threading.Event()
        self._broken = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="world")
        try:
            self._world: World = self._thread.submit(World, arena).result()
        except BaseException:
            self._thread.shutdown()
            raise

    @property
    def time_s(self) -> float:
        """Simulated time, s."""
        return self._steps * TIMESTEP_S

    def start(self) -> None:
        """Let time pass."""
        self._thread.submit(self._turn)

    def pause(self, paused: bool) -> None:
        """Stop time, or let it go on; nothing moves any more once this returns.

        :raises PeerTimeout: when the thread does not come to it; so does all below.
        """
        self._ask(self._pause, paused)

    def set_rate(self, rate: float) -> None:
        """Let time pass at another rate."""
        self._ask(self._set_rate, rate)

    def reset(self, arena: Arena) -> None:
        """Go back to the beginning, in another arena where it is another."""
        self._ask(self._reset, arena)

    def close(self) -> None:
        """End the thread and what it draws with."""
        self._stopping.set()
        self._ask(self._world.close)
        self._thread.shutdown()

    def _ask(self, what: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Have the thread do something between two turns, and wait until it has."""
        try:
            self._thread.submit(what, *args, **kwargs).result(_ANSWER_S)
        except NoAnswer as error:
            raise PeerTimeout(f"the world must answer within {_ANSWER_S} s, got nothing") from error

    def _pause(self, paused: bool) -> None:
        self.paused = paused

    def _set_rate(self, rate: float) -> None:
        self.pace.rate = rate

    def _reset(self, arena: Arena) -> None:
        self._broken = True  # until it has come to the end of this
        if arena == self._arena:
            self._world.reset()
        else:
            # The old one first: what draws is freed in whichever context is in use.
            self._world.close()
            self._arena = None  # should the next not open
            self._world, self._arena = World(arena), arena
            self._image_steps = _steps_an_image(arena)
        self.wheels.forget()
        self.pace.pause()
        self._steps, self._broken = 0, False
        self._outlet.clock(0)

    def _turn(self) -> None:
        if self._stopping.is_set():
            return
        try:
            self._go_on()
        except Exception as error:  # it would fail again at every step
            self._broken = True
            self._failed(error)
        finally:
            # Between two turns comes what others ask for.
            self._thread.submit(self._turn)

    def _go_on(self) -> None:
        if self.paused or self._broken:
            self._outlet.clock(self._steps * STEP_NS)
            self.pace.pause()
            self._stopping.wait(_PAUSED_CLOCK_S)
            return
        clock_due = _next(self._steps, 1.0 / (CLOCK_HZ * TIMESTEP_S))
        image_due = _next(self._steps, self._image_steps)
        due = min(clock_due, image_due)
        left_s = self.pace.left_s(due * TIMESTEP_S, time.monotonic())
        if left_s > 0.0:
            self._stopping.wait(min(left_s, _LONGEST_SLEEP_S))
        if left_s > _LONGEST_SLEEP_S:
            return
        self.wheels.drive(self._world, self.time_s)
        self._world.advance((due - self._steps) * TIMESTEP_S)
        self._steps = due
        self._tell(with_image=due == image_due)
        self.pace.passed(self.time_s, time.monotonic())

    def _tell(self, *, with_image: bool) -> None:
        time_ns, world = self._steps * STEP_NS, self._world
        self._outlet.clock(time_ns)
        pose = seen_from(world.arena.robot.start, world.odometry)
        self._outlet.odometry(time_ns, pose, world.speed)
        if with_image:
            self._outlet.image(time_ns, world.image())
            self.images += 1


def _next(done: int, period: float) -> int:
    """Return the first whole step after ``done`` that a multiple of the period has come to."""
    count = math.floor(done / period + 1e-9) + 1
    return math.ceil(count * period - 1e-9)


def _steps_an_image(arena: Arena) -> float:
    return 1.0 / (arena.robot.camera.rate_hz * TIMESTEP_S)
