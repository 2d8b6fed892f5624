# SPDX-License-Identifier: Apache-2.0
"""Puts a machine together: what executes, what measures it, what its clock is."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.backends.parts import Asked, driver, names, sensor
from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable, Unsupported
from coinfer_ros.core.ports import Accelerator, Clock, PowerMeter

# Who only publishes states looks ten times a second, and once at counters that are costly to ask.
TELEMETRY_S, COUNTER_S = 0.1, 1.0
# Where owners of clocks keep what was there before, one folder for all processes of a machine.
OWNER_FOLDER = Path("/var/lib/coinfer")


@dataclass(frozen=True)
class Machine:
    """One machine behind its ports.

    :param simulated: true when the figures are modelled or replayed.
    :param note: what was found and put right when it was opened, and what this user may not read or
        set; empty: nothing. Whoever opens a machine passes it on.
    :param interrupt: lets a running stage return early, so that its thread can end.
    :param close: gives back what was set and lets go of what is held open.
    """

    accelerator: Accelerator
    meter: PowerMeter
    clock: Clock
    simulated: bool
    note: str
    interrupt: Callable[[], None]
    close: Callable[[], None]


def machine(
    asked: Asked,
    board: Board,
    *,
    role: str,
    owner_folder: Path | None = None,
    telemetry: bool = False,
) -> Machine:
    """Open the machine of ``role`` (``robot`` or ``edge``).

    What this user may not read or set is left out, and the note says so.

    :param board: what a simulated machine is.
    :param owner_folder: given by whoever sets the clock: the folder of former states and owners;
        None: the clock is only read.
    :param telemetry: true for who only publishes what is measured, at little cost; else the meter
        is looked at as often as it has something new, for the joules of single stages.
    :raises InvalidInput: when the parts do not go together.
    :raises Unavailable: when a part cannot be had here, or its clock has another owner.
    """
    if asked.backend == "simulated":
        return _simulated(asked, board, role)
    if not Path(asked.root).is_dir():
        raise InvalidInput(f"device.root must be a folder, got {asked.root!r}")
    meter_name, clock_name = names(asked)
    from coinfer_ros.adapters.unmetered import Unmetered  # noqa: PLC0415

    unmetered = Unmetered()
    notes: list[str] = []
    with ExitStack() as opened:
        with _named(asked, "meter", meter_name):
            meter = _meter(meter_name, asked, telemetry, opened, notes) or unmetered
        with _named(asked, "clock", clock_name):
            clock = _clock(clock_name, asked, owner_folder, opened, notes) or unmetered
        closing = opened.pop_all()
    return Machine(
        accelerator=unmetered,
        meter=meter,
        clock=clock,
        # Joules that were recorded elsewhere are as little this machine's as modelled ones.
        simulated=meter_name == "replay",
        note="; ".join(filter(None, notes)),
        interrupt=unmetered.interrupt,
        close=closing.close,
    )


@contextmanager
def _named(asked: Asked, part: str, name: str) -> Iterator[None]:
    """Say in an error which setting asked for the part, and how to do without it."""
    try:
        yield
    except (Unavailable, Unsupported) as error:
        whose = f" (of device.backend {asked.backend})" if getattr(asked, part) == "auto" else ""
        raise type(error)(
            f"device.{part} {name}{whose}: {error}; to go without it: device.{part}: none"
        ) from error


def _meter(
    name: str, asked: Asked, telemetry: bool, opened: ExitStack, notes: list[str]
) -> PowerMeter | None:
    """Return the meter, None where there is none or none is permitted."""
    if name == "none":
        return None
    from coinfer_ros.adapters.devices.power.sampled import SampledMeter  # noqa: PLC0415

    try:
        found = sensor(name, asked, counter_every_s=COUNTER_S if telemetry else 0.0)
    except NotPermitted as error:
        notes.append(str(error))
        return None
    sampled = SampledMeter(
        found,
        idle_power_w=asked.idle_power_w or math.nan,
        interval_s=TELEMETRY_S if telemetry else 0.0,
    )
    opened.callback(sampled.close)
    return sampled


def _clock(
    name: str, asked: Asked, owner_folder: Path | None, opened: ExitStack, notes: list[str]
) -> Clock | None:
    """Return the clock, owned where that is wanted and permitted; None where there is none."""
    if name == "none":
        return None
    from coinfer_ros.adapters.devices.clocks.owned_clock import OwnedClock  # noqa: PLC0415
    from coinfer_ros.adapters.devices.clocks.watched_clock import WatchedClock  # noqa: PLC0415

    try:
        reached = driver(name, asked)
    except NotPermitted as error:
        notes.append(str(error))
        return None
    opened.callback(reached.close)
    if owner_folder is None:
        return WatchedClock(reached, "only its device node sets this clock")
    try:
        owned = OwnedClock(reached, owner_folder, root=Path(asked.root))
    except NotPermitted as error:
        notes.append(str(error))
        return WatchedClock(reached, str(error))
    opened.callback(owned.close)
    notes.append(owned.restored)
    return owned


def _simulated(asked: Asked, board: Board, role: str) -> Machine:
    for name in ("meter", "clock"):
        if getattr(asked, name) != "auto":
            raise InvalidInput(
                f"device.{name} must be auto where device.backend is simulated, "
                f"got {getattr(asked, name)!r}"
            )
    from coinfer_ros.sim.silicon import Silicon  # noqa: PLC0415

    folder = Path(asked.state_dir) if asked.state_dir else _own_folder()
    silicon = Silicon(board, folder / f"{role}.board")
    return Machine(silicon, silicon, silicon, True, "", silicon.interrupt, silicon.close)


def _own_folder() -> Path:
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Path(tempfile.gettempdir()) / f"coinfer-{os.getuid()}-domain-{domain}"
