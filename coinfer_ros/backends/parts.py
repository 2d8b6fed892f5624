# SPDX-License-Identifier: Apache-2.0
"""Names to sensors and clocks, imported when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.ports import ClockDriver, Sensor

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


def sensor(name: str, asked: Asked, *, counter_every_s: float = 0.0) -> Sensor:
    """Open a power sensor by name.

    :param counter_every_s: least time between two looks at a counter that is costly to ask, s.
    :raises CoinferError: when it cannot be had here.
    """
    root = Path(asked.root)
    if name == "nvml":
        from coinfer_ros.adapters.devices.nvml import NvmlSensor  # noqa: PLC0415

        return NvmlSensor(asked.gpu, counter_every_s=counter_every_s)
    if name == "hwmon":
        from coinfer_ros.adapters.devices.power.hwmon import InaSensor  # noqa: PLC0415

        return InaSensor(root)
    if name == "tegrastats":
        from coinfer_ros.adapters.devices.power.tegrastats import TegrastatsSensor  # noqa: PLC0415

        return TegrastatsSensor(root=root)
    if name == "rapl":
        from coinfer_ros.adapters.devices.power.rapl import RaplSensor  # noqa: PLC0415

        return RaplSensor(root)
    if name == "battery":
        from coinfer_ros.adapters.devices.power.battery import BatterySensor  # noqa: PLC0415

        return BatterySensor(root)
    from coinfer_ros.adapters.devices.power.replay import ReplaySensor  # noqa: PLC0415

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
        from coinfer_ros.adapters.devices.clocks.devfreq import DevfreqClock  # noqa: PLC0415

        return DevfreqClock(Path(asked.root))
    from coinfer_ros.adapters.devices.clocks.cpufreq import CpufreqClock  # noqa: PLC0415

    return CpufreqClock(Path(asked.root))


def driver_of(asked: Asked) -> ClockDriver:
    """Open the clock of a machine.

    :raises CoinferError: when it cannot be had here.
    """
    return driver(names(asked)[1], asked)


def names(asked: Asked) -> tuple[str, str]:
    """Return the names of its meter and of its clock."""
    own_meter, own_clock = OWN[asked.backend]
    return (
        own_meter if asked.meter == "auto" else asked.meter,
        own_clock if asked.clock == "auto" else asked.clock,
    )
