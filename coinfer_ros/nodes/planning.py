# SPDX-License-Identifier: Apache-2.0
"""Makes the planner that the controller's settings describe, of boards or of what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from coinfer_ros import locate
from coinfer_ros.adapters import board_file, profile_file
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS, ModelInfo
from coinfer_ros.core.planning import Planner, Route
from coinfer_ros.core.profile import ComputedHalf, Joint, MeasuredHalf, Profile, check_belongs
from coinfer_ros.parameters import ControllerSettings, image_px, names


class Planning:
    """The model, the machines and the budgets of one controller's settings.

    :param settings: the controller's.
    :raises InvalidInput: when a list among them does not fit the others.
    """

    def __init__(self, settings: ControllerSettings) -> None:
        self._settings = settings
        self._infos: dict[str, ModelInfo] = {}
        self.edges = names("link.edges", settings.edges)
        self._cuts = names("split.cut", settings.cut)
        self._edge_boards = _one_each(
            "edge.board_file", settings.edge_board, len(self.edges), "edge"
        )
        self._robot_profiles = _one_each(
            "robot.profile", settings.robot_profile, len(self._cuts), "cut"
        )
        self._edge_profiles = _one_each(
            "edge.profile",
            settings.edge_profile,
            len(self.edges) * len(self._cuts),
            "edge and cut",
        )

    def planner(self) -> Planner:
        """Return the planner.

        :raises CoinferError: naming the setting, file or field at fault; a profile of another
            half, model, cut, board or work is at fault, and so is one without the energy that a
            budget needs.
        """
        settings = self._settings
        routes = [
            self._route(edge, cut)
            for edge in range(len(self.edges))
            for cut in range(len(self._cuts))
        ]
        planner = Planner(
            routes, share=settings.percentile, initial_margin_s=settings.initial_margin_s
        )
        check_energy(settings.energy_j, planner)
        return planner

    def _route(self, edge: int, cut: int) -> Route:
        settings, name = self._settings, self._cuts[cut]
        robot = board_file.read(locate.board(settings.robot_board))
        board = board_file.read(locate.board(self._edge_boards[edge]))
        work = self._workload(name)
        measured = self._profile("robot", self._robot_profiles[cut], robot, work.robot_flop, name)
        at_edge = self._edge_profiles[edge * len(self._cuts) + cut]
        edge_measured = self._profile("edge", at_edge, board, work.edge_flop, name)
        return Route(
            edge,
            name,
            Joint(
                MeasuredHalf(measured) if measured else ComputedHalf(robot, work.robot_flop_at),
                MeasuredHalf(edge_measured)
                if edge_measured
                else ComputedHalf(board, lambda _: work.edge_flop_in_all),
            ),
            _losses(measured),
        )

    def _info(self, cut: str) -> ModelInfo:
        if cut not in self._infos:
            # torch comes with it, so only when the model itself is asked for.
            from coinfer_ros.adapters import models  # noqa: PLC0415

            settings = self._settings
            self._infos[cut] = models.describe(
                locate.model(settings.model_path),
                cut=cut,
                image_px=image_px(settings.image_width, settings.image_height),
            )
        return self._infos[cut]

    def _workload(self, cut: str) -> Workload:
        head, tail = self._settings.head_flop, self._settings.tail_flop
        if len(self._cuts) > 1 and (head or tail):
            raise InvalidInput(
                "workload.head_flop and workload.tail_flop must be 0, counted from the model, "
                f"where split.cut names several cuts, got {head:g} and {tail:g}"
            )
        return Workload(
            head or self._info(cut).head_flop, tail or self._info(cut).tail_flop, FULL_BITS
        )

    def _profile(self, role: str, path: str, board: Board, flop: float, cut: str) -> Profile | None:
        if not path:
            return None
        name = f"{role}.profile"
        profile = profile_file.read(Path(path).expanduser(), name=name)
        check_belongs(profile, name=name, role=role, info=self._info(cut), board=board, flop=flop)
        return profile


def _one_each(name: str, text: str, count: int, of: str) -> Sequence[str]:
    """Return the parts of a list; a single or empty one stands for all."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and (count == 1 or not parts[0] or name == "edge.board_file"):
        return parts * count
    if len(parts) != count:
        raise InvalidInput(
            f"{name} must list one for each {of}, {count}, got {len(parts)}: {text!r}"
        )
    return parts


def _losses(profile: Profile | None) -> tuple[tuple[int, float], ...]:
    if profile is None or profile.losses is None:
        return ()
    return tuple(zip(profile.widths, profile.losses, strict=True))


def energy_limit_j(energy_j: float) -> float:
    """Return the energy budget that a setting stands for, J: 0 is no limit."""
    return energy_j or math.inf


def check_energy(energy_j: float, planner: Planner) -> None:
    """Check that an energy budget can be kept.

    :raises InvalidInput: when there is one and a profile has no energies.
    """
    if energy_j and planner.unmetered:
        which = " and ".join(f"{role}.profile" for role in planner.unmetered)
        raise InvalidInput(
            f"budget.energy_j must be 0, no limit, while {which} has no energies (no power meter), "
            f"got {energy_j:g}"
        )
