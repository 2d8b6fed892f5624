# SPDX-License-Identifier: Apache-2.0
"""What the project needs of a machine: to measure its power, to set its clock, to run on it.

A ``Sensor`` and a ``ClockDriver`` meet one piece of hardware and remember nothing. A ``PowerMeter``
makes joules of a sensor's samples; a ``Clock`` owns a driver and gives back what it has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from coinfer_ros.core.faults import Faults
from coinfer_ros.core.spent import Spent

T = TypeVar("T")


@dataclass(frozen=True)
class SensorInfo:
    """What is known of a power sensor before it is read.

    :param source: its kind: ``nvml``, ``hwmon``, ``tegrastats``, ``rapl``, ``battery``, ``replay``,
        ``simulated`` or ``none``.
    :param covers: what its total is the power of, in words: ``GPU 0 (NVIDIA H100), whole board``.
    :param period_s: time between two updates of the sensor, s.
    :param resolution_j: step of its energy counter, or its power step times the period, J.
    :param wraps_at_j: where its counter begins again at 0, J; infinity: it does not.
    :param paces_itself: true when ``sample`` waits for the next value by itself.
    """

    source: str
    covers: str
    period_s: float
    resolution_j: float
    wraps_at_j: float = math.inf
    paces_itself: bool = False


@dataclass(frozen=True)
class Rail:
    """One power rail by the board's own name, W."""

    name: str
    power_w: float


@dataclass(frozen=True)
class ProcessLoad:
    """The share of the device's time that one process computed in, 0 to 1."""

    pid: int
    load: float


@dataclass(frozen=True)
class Sample:
    """One look at a sensor; a figure that it does not give is NaN, never 0.

    :param at_s: monotonic time of the look, s.
    :param power_w: total power now, W.
    :param counter_j: the sensor's own energy counter, which may wrap, J.
    :param rails: all rails, raw.
    :param temperature_c: of the device, °C.
    :param load: share of the last period in which the device computed, 0 to 1.
    :param processes: who computed on it.
    """

    at_s: float
    power_w: float = math.nan
    counter_j: float = math.nan
    rails: tuple[Rail, ...] = ()
    temperature_c: float = math.nan
    load: float = math.nan
    processes: tuple[ProcessLoad, ...] = ()


class Sensor(Protocol):
    """A source of samples.

    ``faults`` counts what ``sample`` left out: a missing rail, a line that is no reading, an absurd
    figure. What it leaves out is NaN or absent in the sample.
    """

    info: SensorInfo
    faults: Faults

    def sample(self) -> Sample:
        """Look once.

        :raises Unavailable: when there is nothing to read now: a file that has gone, a device that
            fell off the bus, a program that ended. A later call may succeed.
        """
        ...

    def close(self) -> None:
        """Let go of what is held open; twice is once."""
        ...


@dataclass(frozen=True)
class PowerReading:
    """One look at a power meter.

    :param at_s: monotonic time of the reading, s.
    :param power_w: power now, idle included, W.
    :param energy_j: counter of all energy; only differences mean anything, J.
    :param busy_s: counter of the time spent computing, s.
    :param breaks: times that the counter lost the thread; a window across one is unknown.
    :param sample: the sensor's newest sample, None where there is no sensor.
    """

    at_s: float
    power_w: float
    energy_j: float
    busy_s: float
    breaks: int = 0
    sample: Sample | None = None


class PowerMeter(Protocol):
    """Energy of one machine.

    :ivar idle_power_w: what it draws with nothing to do, W; NaN: not known yet.
    :ivar drift: share by which its integrated power exceeds the hardware's own counter; NaN: there
        is no counter.
    """

    info: SensorInfo
    faults: Faults

    @property
    def idle_power_w(self) -> float: ...  # noqa: D102
    @property
    def drift(self) -> float: ...  # noqa: D102

    def read(self) -> PowerReading:
        """Read power (W) and the energy counter (J)."""
        ...

    def spent(self, before: PowerReading, after: PowerReading) -> Spent:
        """Return the energy between two readings of this meter; unknown rather than 0."""
        ...


@dataclass(frozen=True)
class ClockReading:
    """A clock as it is.

    :param hz: achieved now, Hz; NaN: not known.
    :param throttle: what keeps it from what was asked for, in words; empty: nothing.
    """

    hz: float
    throttle: str = ""


class Clock(Protocol):
    """The clock of one machine's processor, with one owner."""

    steps_hz: tuple[float, ...]
    default_hz: float

    def achieved(self) -> ClockReading:
        """Return the clock as it is."""
        ...

    def request_hz(self, clock_hz: float) -> float:
        """Ask for the nearest step and return that step, Hz; it is reached a moment later.

        :raises NotPermitted: with the one command that permits it.
        :raises Unsupported: when this clock cannot be set.
        :raises Unavailable: when the device is gone or another process owns it.
        """
        ...

    def release(self) -> None:
        """Give back what was there before the first request."""
        ...


class ClockDriver(Protocol):
    """What reads and sets one clock of one device.

    :ivar device: its name, stable over restarts and fit for a file's name: ``nvml-GPU-6f1c...``,
        ``devfreq-17000000.gpu``. Whoever sets the same clock has the same name.
    :ivar steps_hz: what can be set, rising, Hz.
    :ivar default_hz: what it runs at under load when nobody sets it, Hz.
    """

    device: str
    steps_hz: tuple[float, ...]
    default_hz: float

    def read(self) -> ClockReading:
        """Return the clock as it is.

        :raises Unavailable: when the device is gone.
        """
        ...

    def former(self) -> Mapping[str, str]:
        """Return all that ``set_hz`` would change, as it stands, for ``restore``."""
        ...

    def set_hz(self, step_hz: float) -> None:
        """Set the clock to one of the steps.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone.
        """
        ...

    def restore(self, former: Mapping[str, str]) -> None:
        """Write back what ``former`` returned, perhaps to another process; twice is once.

        All of it is tried before an error is raised.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone.
        """
        ...

    def close(self) -> None:
        """Let go of what is held open; what was set stays set. Twice is once."""
        ...


class Accelerator(Protocol):
    """Where a stage of the model runs."""

    def run(self, flop: float, work: Callable[[], T]) -> T:
        """Do ``work``, worth ``flop`` FLOP, and return when it is truly done."""
        ...
