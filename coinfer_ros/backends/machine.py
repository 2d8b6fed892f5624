# SPDX-License-Identifier: Apache-2.0
"""Puts a machine together: what executes, what measures it, what its clock is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.backends.parts import Asked, driver, names, sensor
from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import InvalidInput, NotPermitted
from coinfer_ros.core.ports import Accelerator, Clock, ClockDriver, PowerMeter

# Who only publishes states looks ten times a second, and once at counters that are costly to ask.
TELEMETRY_S, COUNTER_S = 0.1, 1.0
# Where owners of clocks keep what was there before, one folder for all processes of a machine.
OWNER_FOLDER = Path("/var/lib/coinfer")


@dataclass(frozen=True)
class Machine:
    """One machine behind its ports.

    :param simulated: true when the figures are modelled or replayed.
    :param note: what was found and put right when it was opened, or why its clock cannot be set;
        empty: nothing.
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


def machine(asked: Asked, board: Board, *, role: str, owner_folder: Path | None = None) -> Machine:
    """Open the machine of ``role`` (``robot`` or ``edge``).

    :param board: what a simulated machine is.
    :param owner_folder: given by whoever sets the clock and publishes what is measured: the folder
        of former states and owners. None: the clock is only read, and the meter is looked at as
        often as it has something new, for the joules of single stages.
    :raises InvalidInput: when the parts do not go together.
    :raises Unavailable: when a part cannot be had here, or its clock has another owner.
    :raises NotPermitted: when this user may not read the meter; a clock that may not be set is
        opened all the same, to be read.
    """
    if asked.backend == "simulated":
        return _simulated(asked, board, role)
    meter_name, clock_name = names(asked)
    from coinfer_ros.adapters.unmetered import Unmetered  # noqa: PLC0415

    unmetered, note = Unmetered(), ""
    meter: PowerMeter = unmetered
    clock: Clock = unmetered
    with ExitStack() as opened:
        if meter_name != "none":
            from coinfer_ros.adapters.devices.power.sampled import SampledMeter  # noqa: PLC0415

            telemetry = owner_folder is not None
            sampled = SampledMeter(
                sensor(meter_name, asked, counter_every_s=COUNTER_S if telemetry else 0.0),
                idle_power_w=asked.idle_power_w or float("nan"),
                interval_s=TELEMETRY_S if telemetry else 0.0,
            )
            opened.callback(sampled.close)
            meter = sampled
        if clock_name != "none":
            reached = driver(clock_name, asked)
            opened.callback(reached.close)
            clock, note = _clock(reached, owner_folder, Path(asked.root), opened)
        closing = opened.pop_all()
    # Joules that were recorded elsewhere are as little this machine's as modelled ones.
    replayed = meter_name == "replay"
    return Machine(unmetered, meter, clock, replayed, note, unmetered.interrupt, closing.close)


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


def _clock(
    driver: ClockDriver, owner_folder: Path | None, root: Path, opened: ExitStack
) -> tuple[Clock, str]:
    """Return the clock, owned where that is wanted and permitted, and a note for people."""
    from coinfer_ros.adapters.devices.clocks.watched_clock import WatchedClock  # noqa: PLC0415

    if owner_folder is None:
        return WatchedClock(driver, "only its device node sets this clock"), ""
    from coinfer_ros.adapters.devices.clocks.owned_clock import OwnedClock  # noqa: PLC0415

    try:
        owned = OwnedClock(driver, owner_folder, root=root)
    except NotPermitted as error:
        return WatchedClock(driver, str(error)), str(error)
    opened.callback(owned.close)
    return owned, owned.restored


def _own_folder() -> Path:
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Path(tempfile.gettempdir()) / f"coinfer-{os.getuid()}-domain-{domain}"
