# SPDX-License-Identifier: Apache-2.0
"""Refuses to plan with a profile of something else."""

from __future__ import annotations

import math

from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.profile.profile import Profile

_SHOWN = 12  # digits of a fingerprint that tell two apart in a message


def check_belongs(
    profile: Profile, *, name: str, role: str, info: ModelInfo, board: Board, flop: float
) -> None:
    """Check that a profile is of this half, this model and this machine.

    What ran at its own pace names a machine that nobody here can compare with: its clock is not
    set, and its board file means nothing. A simulated board must be the one that is planned for.

    :param name: the parameter that gave the profile, for the message.
    :param role: ``robot`` or ``edge``.
    :param info: the model that is planned for.
    :param board: the machine that is planned for.
    :param flop: the work that a simulated board is given for one run, FLOP.
    :raises InvalidInput: naming what it should be of, and what it is of.
    """
    _same(name, "role", profile.role, role)
    _same(
        name,
        "model",
        f"{profile.model} {profile.fingerprint[:_SHOWN]}…",
        f"{info.fingerprint[:_SHOWN]}…",
        good=profile.fingerprint == info.fingerprint,
    )
    _same(name, "cut", profile.cut, info.cut)
    if profile.device.backend != "simulated":
        counted = info.head_flop if role == "robot" else info.tail_flop
        _same_work(name, profile, counted)  # another image size is another work
        return
    _same(name, "board", profile.device.mode, board.name)
    _same_work(name, profile, flop)
    strange = [hz for hz in profile.clocks_hz if hz not in board.clock_steps_hz]
    if strange:
        raise InvalidInput(
            f"{name} must have clocks that board {board.name} can set, got {strange[0]:g} Hz"
        )


def _same_work(name: str, profile: Profile, flop: float) -> None:
    _same(
        name,
        "work",
        f"{profile.flop:g} FLOP",
        f"{flop:g} FLOP",
        good=math.isclose(profile.flop, flop, rel_tol=1e-9),
    )


def _same(name: str, what: str, found: str, wanted: str, *, good: bool | None = None) -> None:
    if not (found == wanted if good is None else good):
        raise InvalidInput(f"{name} must be of {what} {wanted}, got one of {what} {found}")
