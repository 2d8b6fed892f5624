# SPDX-License-Identifier: Apache-2.0
"""What every node that sits on a machine does with its board parameters."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from coinfer_ros import backends, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.boards import Board
from coinfer_ros.parameters import MachineSettings


class OnBoard(Protocol):
    """The setting that names a board."""

    board_file: str


def read_board(settings: OnBoard) -> Board:
    """Read the board file that the settings name.

    :raises CoinferError: naming the file or number at fault.
    """
    return board_file.read(locate.board(settings.board_file))


def open_machine(
    settings: MachineSettings,
    board: Board,
    *,
    role: str,
    held: ExitStack,
    owner_folder: Path | None = None,
    telemetry: bool = False,
) -> backends.Machine:
    """Open the machine behind its ports; ``held`` closes it.

    :param owner_folder: given by the node that sets the clock.
    :param telemetry: true for the node that only publishes what is measured.
    """
    asked = backends.Asked(
        backend=settings.backend,
        meter=settings.meter,
        clock=settings.clock,
        gpu=settings.gpu,
        idle_power_w=settings.idle_power_w,
        trace=settings.trace,
        trace_interval_s=settings.trace_interval_s,
        root=settings.root,
        state_dir=settings.state_dir,
    )
    machine = backends.machine(
        asked, board, role=role, owner_folder=owner_folder, telemetry=telemetry
    )
    held.callback(machine.close)
    return machine
