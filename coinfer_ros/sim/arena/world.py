# SPDX-License-Identifier: Apache-2.0
"""An arena that moves: MuJoCo's physics of the robot, and what its camera sees."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.closing import Closing
from coinfer_ros.sim.arena.arena import Arena, Pose
from coinfer_ros.sim.arena.graphics import cannot_draw, mujoco_that_draws
from coinfer_ros.sim.arena.mjcf import TIMESTEP_S, mjcf

FASTEST_M_S, FASTEST_RAD_S = 3.0, 10.0
Image = NDArray[np.uint8]


class World(Closing):
    """One robot in one arena, at a time of its own.

    MuJoCo steps the same way for the same commands: a run can be repeated bit by bit.

    :param arena: what there is.
    :raises Unavailable: when MuJoCo is not here, or nothing to draw with.
    """

    def __init__(self, arena: Arena) -> None:
        self._mujoco = mujoco = mujoco_that_draws()
        self.arena = arena
        text, files = mjcf(arena)
        self._model = mujoco.MjModel.from_xml_string(text, files)
        self._data = mujoco.MjData(self._model)
        camera = arena.robot.camera
        try:
            self._renderer = mujoco.Renderer(self._model, camera.height_px, camera.width_px)
        except Exception as error:  # each way has errors of its own
            raise cannot_draw(os.environ["MUJOCO_GL"], error) from error
        self._names = [self._model.geom(number).name for number in range(self._model.ngeom)]
        self._obstacles = {thing.label for thing in arena.things}
        self._obstacles |= {name for name, _ in arena.every_wall()}
        self.reset()

    def close(self) -> None:
        """Give back what it draws with."""
        self._renderer.close()

    def reset(self) -> None:
        """Go back to the beginning: time nought, the robot at its start and at rest."""
        self._mujoco.mj_resetData(self._model, self._data)
        self._mujoco.mj_forward(self._model, self._data)
        self._odometry = self.arena.robot.start
        self._turned = self._wheel_angles()
        self.path_m = 0.0
        self.touched: set[str] = set()

    @property
    def time_s(self) -> float:
        """Simulated time since the last reset, s."""
        return float(self._data.time)

    @property
    def pose(self) -> Pose:
        """Where the robot really is."""
        x_m, y_m, _, w, x, y, z = self._data.qpos[:7]
        heading_rad = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        return Pose(float(x_m), float(y_m), heading_rad)

    @property
    def odometry(self) -> Pose:
        """Where its wheels say that it is: they slip a little."""
        return self._odometry

    @property
    def speed(self) -> tuple[float, float]:
        """Forward speed, m/s, and turning speed, rad/s, of its wheels."""
        robot = self.arena.robot
        left, right = (
            float(self._data.joint(f"{side}_wheel").qvel[0]) for side in ("left", "right")
        )
        forward = robot.wheel_radius_m * (left + right) / 2
        return forward, robot.wheel_radius_m * (right - left) / robot.track_m

    def command(self, forward_m_s: float, turn_rad_s: float) -> None:
        """Ask the wheels for a speed, until they are asked for another.

        :raises InvalidInput: when one is not a finite number within what the robot can do.
        """
        forward = checks.number(
            "forward_m_s", forward_m_s, low=-FASTEST_M_S, high=FASTEST_M_S, unit="m/s"
        )
        turn = checks.number(
            "turn_rad_s", turn_rad_s, low=-FASTEST_RAD_S, high=FASTEST_RAD_S, unit="rad/s"
        )
        robot = self.arena.robot
        for side, sign in (("left", -1.0), ("right", 1.0)):
            rim_m_s = forward + sign * turn * robot.track_m / 2
            self._data.actuator(f"{side}_wheel").ctrl[0] = rim_m_s / robot.wheel_radius_m

    def advance(self, seconds: float) -> None:
        """Let time pass, in whole steps of physics."""
        for _ in range(max(round(seconds / TIMESTEP_S), 1)):
            before = self._data.qpos[:2].copy()
            self._mujoco.mj_step(self._model, self._data)
            self.path_m += float(np.hypot(*(self._data.qpos[:2] - before)))
            self._count_turns()
            self.touched |= self._touching()

    def place(self, pose: Pose) -> None:
        """Put the robot somewhere, at rest."""
        self._data.qpos[:2] = pose.x_m, pose.y_m
        half = pose.heading_rad / 2
        self._data.qpos[3:7] = math.cos(half), 0.0, 0.0, math.sin(half)
        self._data.qvel[:] = 0.0
        self._mujoco.mj_forward(self._model, self._data)
        self._odometry = pose

    def image(self) -> Image:
        """Return what the camera sees, sRGB (H, W, 3)."""
        self._renderer.update_scene(self._data, "camera")
        return np.asarray(self._renderer.render()).copy()

    def seen(self, name: str) -> NDArray[np.bool_]:
        """Return which pixels of the camera show a thing, (H, W).

        :raises InvalidInput: when there is no such thing.
        """
        return self.masks([name])[0]

    def masks(self, names: Sequence[str]) -> list[NDArray[np.bool_]]:
        """Return which pixels of the camera show each of some things, (H, W) each; drawn once.

        :raises InvalidInput: when there is no such thing.
        """
        wanted = [self._names.index(self.arena.thing(name).label) for name in names]
        self._renderer.enable_segmentation_rendering()
        try:
            self._renderer.update_scene(self._data, "camera")
            numbers = np.asarray(self._renderer.render())[..., 0].copy()
        finally:
            self._renderer.disable_segmentation_rendering()
        return [np.asarray(numbers == one) for one in wanted]

    def place_of(self, name: str) -> tuple[float, float, float]:
        """Return where the middle of a thing is in this simulator, m."""
        x_m, y_m, z_m = self._data.geom(self.arena.thing(name).label).xpos
        return float(x_m), float(y_m), float(z_m)

    def _wheel_angles(self) -> Sequence[float]:
        return [float(self._data.joint(f"{side}_wheel").qpos[0]) for side in ("left", "right")]

    def _count_turns(self) -> None:
        robot, now = self.arena.robot, self._wheel_angles()
        left_m, right_m = (
            robot.wheel_radius_m * (new - old) for new, old in zip(now, self._turned, strict=True)
        )
        self._turned = now
        turned_rad = (right_m - left_m) / robot.track_m
        middle_rad = self._odometry.heading_rad + turned_rad / 2
        forward_m = (left_m + right_m) / 2
        self._odometry = Pose(
            self._odometry.x_m + forward_m * math.cos(middle_rad),
            self._odometry.y_m + forward_m * math.sin(middle_rad),
            self._odometry.heading_rad + turned_rad,
        )

    def _touching(self) -> set[str]:
        contacts = self._data.contact
        if not self._data.ncon:
            return set()
        names = {self._names[number] for number in np.unique(contacts.geom)}
        return names & self._obstacles
