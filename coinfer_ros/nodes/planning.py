# SPDX-License-Identifier: Apache-2.0
"""Makes the planner that the controller's settings describe, of boards or of what was measured."""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path

from coinfer_ros import locate
from coinfer_ros.adapters import board_file, profile_file
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS, ModelInfo
from coinfer_ros.core.planner import Planner
from coinfer_ros.core.profile import Profile, check_belongs
from coinfer_ros.parameters import ControllerSettings, image_px


class Planning:
    """The model, the machines and the budgets of one controller's settings.

    :param settings: the controller's.
    """

    def __init__(self, settings: ControllerSettings) -> None:
        self._settings = settings

    def planner(self) -> Planner:
        """Return the planner.

        :raises CoinferError: naming the setting, file or field at fault; a profile of another
            half, model, cut, board or work is at fault, and so is one without the energy that a
            budget needs.
        """
        settings = self._settings
        robot = board_file.read(locate.board(settings.robot_board))
        edge = board_file.read(locate.board(settings.edge_board))
        work = self._workload()
        planner = Planner(
            robot,
            edge,
            work,
            robot_profile=self._profile("robot", settings.robot_profile, robot, work.robot_flop),
            edge_profile=self._profile("edge", settings.edge_profile, edge, work.edge_flop),
            initial_overhead_s=settings.overhead_s,
            window=settings.overhead_window,
            quantile=settings.overhead_quantile,
        )
        check_energy(settings.energy_j, planner)
        return planner

    @cached_property
    def _info(self) -> ModelInfo:
        # torch comes with it, so only when the model itself is asked for.
        from coinfer_ros.adapters import models  # noqa: PLC0415

        settings = self._settings
        return models.describe(
            locate.model(settings.model_path),
            cut=settings.cut,
            image_px=image_px(settings.image_width, settings.image_height),
        )

    def _workload(self) -> Workload:
        head, tail = self._settings.head_flop, self._settings.tail_flop
        return Workload(head or self._info.head_flop, tail or self._info.tail_flop, FULL_BITS)

    def _profile(self, role: str, path: str, board: Board, flop: float) -> Profile | None:
        if not path:
            return None
        name = f"{role}.profile"
        profile = profile_file.read(Path(path).expanduser(), name=name)
        check_belongs(profile, name=name, role=role, info=self._info, board=board, flop=flop)
        return profile


def energy_limit_j(energy_j: float) -> float:
    """Return the energy budget that a setting stands for, J: 0 is no limit."""
    return energy_j or math.inf


def check_energy(energy_j: float, planner: Planner) -> None:
    """Check that an energy budget can be kept.

    :raises InvalidInput: when there is one and a profile has no energies.
    """
    if energy_j and planner.unmetered:
        names = " and ".join(f"{role}.profile" for role in planner.unmetered)
        raise InvalidInput(
            f"budget.energy_j must be 0, no limit, while {names} has no energies (no power meter), "
            f"got {energy_j:g}"
        )
