# SPDX-License-Identifier: Apache-2.0
"""What every node that sits on a machine does with its board parameters."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Protocol

from coinfer_ros import backends, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.boards import Board


class MachineSettings(Protocol):
    """The settings that name a machine."""

    backend: str
    board_file: str
    state_dir: str


def read_board(settings: MachineSettings) -> Board:
    """Read the board file that the settings name.

    :raises CoinferError: naming the file or number at fault.
    """
    return board_file.read(locate.board(settings.board_file))


def open_machine(
    settings: MachineSettings, board: Board, *, role: str, held: ExitStack
) -> backends.Machine:
    """Open the machine behind its ports; ``held`` closes it."""
    machine = backends.machine(settings.backend, board, role=role, state_dir=settings.state_dir)
    held.callback(machine.close)
    return machine
