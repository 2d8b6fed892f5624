# SPDX-License-Identifier: Apache-2.0
"""This machine as it is: its own pace, no meter, no clock that we may set."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import ClockReading, PowerReading, SensorInfo
from coinfer_ros.core.spent import UNKNOWN, Spent

T = TypeVar("T")


class Unmetered:
    """A meter that knows nothing, a clock that cannot be set, an accelerator that just runs."""

    info = SensorInfo("none", "nothing: no power meter", period_s=math.nan, resolution_j=math.nan)
    idle_power_w = drift = math.nan
    steps_hz: tuple[float, ...] = ()
    default_hz = math.nan

    def __init__(self) -> None:
        self.faults = Faults()

    def read(self) -> PowerReading:
        """Return NaN for all that is not known."""
        return PowerReading(time.monotonic(), math.nan, math.nan, math.nan)

    def spent(self, before: PowerReading, after: PowerReading) -> Spent:  # noqa: ARG002
        """Return that it is unknown."""
        return UNKNOWN

    def achieved(self) -> ClockReading:
        """Return NaN: not known."""
        return ClockReading(math.nan)

    def request_hz(self, clock_hz: float) -> float:  # noqa: ARG002
        """Refuse.

        :raises Unsupported: always.
        """
        raise Unsupported("this machine has no clock that plans can set (device.clock)")

    def release(self) -> None:
        """Nothing was set."""

    def run(self, flop: float, work: Callable[[], T]) -> T:  # noqa: ARG002
        """Do ``work`` at this machine's own pace."""
        return work()

    def interrupt(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is held open."""
