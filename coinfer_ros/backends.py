# SPDX-License-Identifier: Apache-2.0
"""Names to classes: what executes, measures and clocks one machine, imported when asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import InvalidInput, NotPermitted
from coinfer_ros.core.ports import Accelerator, Clock, ClockDriver, PowerMeter, Sensor

# Where owners of clocks keep what was there before, one folder for all processes of a machine.
OWNER_FOLDER = Path("/var/lib/coinfer")
# A backend's own meter and clock.
OWN = {
    "none": ("none", "none"),
    "nvml": ("nvml", "nvml"),
    "jetson": ("hwmon", "devfreq"),
    "cpu": ("rapl", "cpufreq"),
}


@dataclass(frozen=True)
class Asked:
    """Which machine to open.

    :param backend: ``simulated``, ``none``, ``nvml``, ``jetson`` or ``cpu``.
    :param meter: what measures it, ``auto``: the backend's own.
    :param clock: which clock is its, ``auto``: the backend's own.
    :param gpu: index of the NVIDIA GPU.
    :param idle_power_w: what it draws with nothing to do, W; 0: learnt.
    :param trace: what the meter ``replay`` plays.
    :param trace_interval_s: time between two lines of it where it is a log of tegrastats, s; 0: as
        their dates say.
    :param root: where the system's files lie.
    :param state_dir: where simulated boards keep their state; empty: one folder for this user and
        ROS domain.
    """

    backend: str
    meter: str = "auto"
    clock: str = "auto"
    gpu: int = 0
    idle_power_w: float = 0.0
    trace: str = ""
    trace_interval_s: float = 0.0
    root: str = "/"
    state_dir: str = ""


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
    :param owner_folder: given by whoever sets the clock: the folder of former states and owners;
        None: the clock is only read.
    :raises InvalidInput: when the parts do not go together.
    :raises Unavailable: when a part cannot be had here, or its clock has another owner.
    :raises NotPermitted: when this user may not read the meter; a clock that may not be set is
        opened all the same, to be read.
    """
    if asked.backend == "simulated":
        return _simulated(asked, board, role)
    meter_name, clock_name = _names(asked)
    from coinfer_ros.adapters.unmetered import Unmetered  # noqa: PLC0415

    unmetered, note = Unmetered(), ""
    meter: PowerMeter = unmetered
    clock: Clock = unmetered
    with ExitStack() as opened:
        if meter_name != "none":
            from coinfer_ros.adapters.devices.sampled import SampledMeter  # noqa: PLC0415

            sampled = SampledMeter(
                sensor(meter_name, asked), idle_power_w=asked.idle_power_w or float("nan")
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


def sensor(name: str, asked: Asked) -> Sensor:
    """Open a power sensor by name.

    :raises CoinferError: when it cannot be had here.
    """
    root = Path(asked.root)
    if name == "nvml":
        from coinfer_ros.adapters.devices.nvml import NvmlSensor  # noqa: PLC0415

        return NvmlSensor(asked.gpu)
    if name == "hwmon":
        from coinfer_ros.adapters.devices.hwmon import InaSensor  # noqa: PLC0415

        return InaSensor(root)
    if name == "tegrastats":
        from coinfer_ros.adapters.devices.tegrastats import TegrastatsSensor  # noqa: PLC0415

        return TegrastatsSensor(root=root)
    if name == "rapl":
        from coinfer_ros.adapters.devices.rapl import RaplSensor  # noqa: PLC0415

        return RaplSensor(root)
    if name == "battery":
        from coinfer_ros.adapters.devices.battery import BatterySensor  # noqa: PLC0415

        return BatterySensor(root)
    from coinfer_ros.adapters.devices.replay import ReplaySensor  # noqa: PLC0415

    if not asked.trace:
        raise InvalidInput("device.trace must be a file for the meter replay, got ''")
    return ReplaySensor(
        Path(asked.trace).expanduser(), loop=True, interval_s=asked.trace_interval_s or None
    )


def driver(name: str, asked: Asked) -> ClockDriver:
    """Open a clock by name.

    :raises CoinferError: when it cannot be had here.
    """
    if name == "nvml":
        from coinfer_ros.adapters.devices.nvml import NvmlClock  # noqa: PLC0415

        return NvmlClock(asked.gpu)
    if name == "devfreq":
        from coinfer_ros.adapters.devices.devfreq import DevfreqClock  # noqa: PLC0415

        return DevfreqClock(Path(asked.root))
    from coinfer_ros.adapters.devices.cpufreq import CpufreqClock  # noqa: PLC0415

    return CpufreqClock(Path(asked.root))


def driver_of(asked: Asked) -> ClockDriver:
    """Open the clock of a machine.

    :raises CoinferError: when it cannot be had here.
    """
    return driver(_names(asked)[1], asked)


def _names(asked: Asked) -> tuple[str, str]:
    own_meter, own_clock = OWN[asked.backend]
    return (
        own_meter if asked.meter == "auto" else asked.meter,
        own_clock if asked.clock == "auto" else asked.clock,
    )


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
    from coinfer_ros.adapters.devices.watched_clock import WatchedClock  # noqa: PLC0415

    if owner_folder is None:
        return WatchedClock(driver, "only its device node sets this clock"), ""
    from coinfer_ros.adapters.devices.owned_clock import OwnedClock  # noqa: PLC0415

    try:
        owned = OwnedClock(driver, owner_folder, root=root)
    except NotPermitted as error:
        return WatchedClock(driver, str(error)), str(error)
    opened.callback(owned.close)
    return owned, owned.restored


def _own_folder() -> Path:
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    return Path(tempfile.gettempdir()) / f"coinfer-{os.getuid()}-domain-{domain}"
