# SPDX-License-Identifier: Apache-2.0
"""What the project needs of a machine, each in at most three methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class PowerReading:
    """One look at a power meter.

    :param at_s: monotonic time of the reading, s.
    :param power_w: power now, idle included, W.
    :param energy_j: counter of all energy; only differences mean anything, J.
    :param busy_s: counter of the time spent computing, s.
    """

    at_s: float
    power_w: float
    energy_j: float
    busy_s: float


class PowerMeter(Protocol):
    """A sensor of one machine's power and energy."""

    idle_power_w: float
    period_s: float  # time between two updates of the sensor
    resolution_j: float  # step of the energy counter

    def read(self) -> PowerReading:
        """Read power (W) and the energy counter (J)."""
        ...


class Clock(Protocol):
    """The clock of one machine's processor."""

    steps_hz: tuple[float, ...]
    default_hz: float

    def read_hz(self) -> float:
        """Return the clock now achieved, Hz."""
        ...

    def request_hz(self, clock_hz: float) -> float:
        """Ask for the nearest step and return that step, Hz; it is reached a moment later."""
        ...


class Accelerator(Protocol):
    """Where a stage of the model runs."""

    def run(self, flop: float, work: Callable[[], T]) -> T:
        """Do ``work``, worth ``flop`` FLOP, and return when it is truly done."""
        ...
