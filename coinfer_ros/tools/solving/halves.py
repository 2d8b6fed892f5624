# SPDX-License-Identifier: Apache-2.0
"""Reads the profiles and boards that were named, and refuses two that do not go together."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros import locate
from coinfer_ros.adapters import board_file, profile_file
from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.profile import ROLES, Profile

_SHOWN = 12  # digits of a fingerprint that tell two apart in a message


@dataclass(frozen=True)
class Half:
    """One half of the model.

    :param name: the flag that gave it, for messages.
    :param machine: what was measured of it, or the board that it is computed for.
    """

    name: str
    machine: Profile | Board

    @property
    def profile(self) -> Profile | None:
        """What was measured, None for a board."""
        return self.machine if isinstance(self.machine, Profile) else None


def read(arguments: argparse.Namespace) -> dict[str, Half]:
    """Return both halves by their role.

    :raises InvalidInput: when a half is given twice or not at all, or the two are not of one model
        and cut.
    :raises Unavailable: when a file cannot be read.
    """
    found: dict[str, Half] = {}
    for role, half in _each(arguments):
        if role in found:
            raise InvalidInput(
                f"the {role}'s half must be given once, got {found[role].name} and {half.name}"
            )
        found[role] = half
    for role, other in (ROLES, ROLES[::-1]):
        if role not in found:
            raise InvalidInput(
                f"the {role}'s half must be there as --{role}-profile or --{role}-board beside "
                f"{found[other].name}, got neither"
            )
    _check_same(*(found[role] for role in ROLES))
    return {role: found[role] for role in ROLES}


def _each(arguments: argparse.Namespace) -> Iterator[tuple[str, Half]]:
    """Yield every half that was named, with its role."""
    for path in arguments.profile:
        name = f"--profile {path}"
        profile = profile_file.read(Path(path).expanduser(), name="--profile")
        yield profile.role, Half(name, profile)
    for role in ROLES:
        path, board = (getattr(arguments, f"{role}_{kind}") for kind in ("profile", "board"))
        if path is not None:
            name = f"--{role}-profile"
            profile = profile_file.read(Path(path).expanduser(), name=name)
            if profile.role != role:
                raise InvalidInput(f"{name} must be of role {role}, got one of role {profile.role}")
            yield role, Half(name, profile)
        if board is not None:
            yield role, Half(f"--{role}-board", _board(f"--{role}-board", board))


def _board(name: str, value: str) -> Board:
    try:
        return board_file.read(locate.board(value))
    except CoinferError as error:  # both say board.file, the nodes' parameter
        raise type(error)(str(error).replace("board.file", name, 1)) from error


def _check_same(robot: Half, edge: Half) -> None:
    """Check that two profiles are of one model and cut."""
    one, other = robot.profile, edge.profile
    if one is None or other is None:
        return
    for what, wanted, found in (
        ("model", _model(one), _model(other)),
        ("cut", one.cut, other.cut),
    ):
        if wanted != found:
            raise InvalidInput(
                f"{edge.name} must be of {what} {wanted}, as {robot.name} is, got one of {what} "
                f"{found}"
            )


def _model(profile: Profile) -> str:
    return f"{profile.model} {profile.fingerprint[:_SHOWN]}…"
