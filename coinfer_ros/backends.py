# SPDX-License-Identifier: Apache-2.0
"""Names to classes: what executes, measures and clocks one machine, imported when asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.boards import Board
from coinfer_ros.core.ports import Accelerator, Clock, PowerMeter


@dataclass(frozen=True)
class Machine:
    """One machine behind its ports.

    :param source: the backend's name, for messages and traces.
    :param simulated: true when the figures are modelled.
    :param interrupt: lets a running stage return early, so that its thread can end.
    :param close: lets go of what is held open.
    """

    accelerator: Accelerator
    meter: PowerMeter
    clock: Clock
    source: str
    simulated: bool
    interrupt: Callable[[], None]
    close: Callable[[], None]


def machine(backend: str, board: Board, *, role: str, state_dir: str) -> Machine:
    """Open the machine of ``role`` (``robot`` or ``edge``) through ``backend``.

    :param backend: ``simulated`` or ``none``.
    :param state_dir: where simulated boards keep their state; empty: one folder for this user and
        ROS domain.
    :raises Unavailable: when the backend cannot be had here.
    """
    if backend == "simulated":
        from coinfer_ros.sim.silicon import Silicon  # noqa: PLC0415

        folder = Path(state_dir) if state_dir else _own_folder()
        silicon = Silicon(board, folder / f"{role}.board")
        return Machine(silicon, silicon, silicon, backend, True, silicon.interrupt, silicon.close)
    from coinfer_ros.adapters.unmetered import Unmetered  # noqa: PLC0415

    unmetered = Unmetered()
    return Machine(
        unmetered, unmetered, unmetered, backend, False, unmetered.interrupt, unmetered.close
    )


def _own_folder() -> Path:
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Path(tempfile.gettempdir()) / f"coinfer-{os.getuid()}-domain-{domain}"
