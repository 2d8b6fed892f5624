# SPDX-License-Identifier: Apache-2.0
"""One search from beginning to end, in simulated time: what came of it, and at what price."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.costs import Budget
from coinfer_ros.sim.arena.mjcf import TIMESTEP_S
from coinfer_ros.sim.arena.sight import NEAR_M, Sight, bearing_rad, distance_m, sight
from coinfer_ros.sim.arena.world import Image, World
from coinfer_ros.sim.task.control import Control
from coinfer_ros.sim.task.machines import Machines, Took
from coinfer_ros.sim.task.policy import Manners, Phase, Seeker
from coinfer_ros.sim.task.reader import Reader, Reading
from coinfer_ros.sim.task.record import Outcome, Record, Tally

DRIVE_S = 0.02  # between two commands to the wheels
# What counts as having come to the thing: near by what the model was taught, roughly ahead.
FOUND_M, FOUND_RAD = NEAR_M + 0.25, 0.35


@dataclass(frozen=True)
class _Frame:
    image: Image
    truth: Sight
    taken_s: float


@dataclass(frozen=True)
class _Request:
    frame: _Frame
    reading: Reading
    took: Took


class Episode:
    """A robot that searches for one thing with one image at a time under way, always the newest.

    Images are taken at the camera's rate, drawn where they will be used, and answered by the model
    as it is; the world moves on until the machines have the answer.

    :param world: where; it begins anew.
    :param target: the name of one of its things.
    :param reader: the model.
    :param machines: what an answer takes.
    :param control: who chooses their settings.
    :param budget: what an answer should take at most; it is counted.
    :param limit_s: simulated time after which the search is given up, s.
    """

    def __init__(
        self,
        world: World,
        target: str,
        *,
        reader: Reader,
        machines: Machines,
        control: Control,
        budget: Budget,
        limit_s: float = 60.0,
        manners: Manners | None = None,
    ) -> None:
        self._world, self._thing = world, world.arena.thing(target)
        self._reader, self._machines, self._control = reader, machines, control
        self._limit_s = checks.number("limit_s", limit_s, above=0.0, high=3600.0, unit="s")
        self._seeker = Seeker(manners or Manners(), world.arena.lookouts)
        self._camera_s = 1.0 / world.arena.robot.camera.rate_hz
        self._frames = 0  # that the camera has taken
        self._newest: _Frame | None = None
        self._request: _Request | None = None
        self._tally = Tally(budget)

    def run(self) -> Record:
        """Search until it ends.

        :raises CoinferError: whatever a half of the model refuses.
        """
        self._world.reset()
        for step in range(math.ceil(self._limit_s / TIMESTEP_S)):
            now_s = step * TIMESTEP_S
            self._take_answer(now_s)
            self._take_frame(now_s)
            self._begin(now_s)
            if step % round(DRIVE_S / TIMESTEP_S) == 0:
                drive = self._seeker.drive(self._world.odometry, now_s)
                self._world.command(drive.forward_m_s, drive.turn_rad_s)
            if self._seeker.phase is Phase.FOUND:
                return self._record(Outcome.FOUND if self._at_it else Outcome.MISREAD, now_s)
            if self._world.touched:
                return self._record(Outcome.COLLIDED, now_s)
            self._world.advance(TIMESTEP_S)
        return self._record(Outcome.TIMED_OUT, self._limit_s)

    @property
    def _at_it(self) -> bool:
        pose = self._world.pose
        near = distance_m(pose, self._thing) <= FOUND_M
        return near and abs(bearing_rad(pose, self._thing)) <= FOUND_RAD

    def _take_answer(self, now_s: float) -> None:
        request = self._request
        if request is None or request.took.ends_s > now_s:
            return
        self._request = None
        took, frame, said = request.took, request.frame, request.reading.sight
        self._tally.count(took)
        if took.answered:
            self._tally.judge(said, frame.truth, now_s - frame.taken_s)
            self._seeker.hear(said, image_s=frame.taken_s, now_s=now_s)
        if took.measured is not None and not took.broken:
            self._control.learn(took.measured, now_s)

    def _take_frame(self, now_s: float) -> None:
        """Take an image when the camera does; only the one that will be the newest is drawn."""
        if now_s < self._frames * self._camera_s:
            return
        self._frames += 1
        if self._request is None or self._request.took.ends_s < self._frames * self._camera_s:
            truth = sight(self._world, self._thing.name)
            self._newest = _Frame(self._world.image(), truth, now_s)

    def _begin(self, now_s: float) -> None:
        """Take up the newest image when nothing is under way."""
        if self._request is not None or self._newest is None:
            return
        frame, self._newest = self._newest, None
        setting = self._control.setting(now_s)
        reading = self._reader.read(frame.image, self._thing.name, setting)
        self._request = _Request(frame, reading, self._machines.run(setting, reading.made, now_s))

    def _record(self, outcome: Outcome, now_s: float) -> Record:
        return self._tally.record(
            outcome, time_s=now_s, path_m=self._world.path_m, stale=self._seeker.stale
        )
