# SPDX-License-Identifier: Apache-2.0
"""This machine as it is: its own pace, no meter, no clock that we may set."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.ports import PowerReading

T = TypeVar("T")


class Unmetered:
    """A meter that knows nothing, a clock that cannot be set, an accelerator that just runs."""

    idle_power_w = math.nan
    period_s = math.nan
    resolution_j = math.nan
    steps_hz: tuple[float, ...] = ()
    default_hz = math.nan

    def read(self) -> PowerReading:
        """Return NaN for all that is not known."""
        return PowerReading(time.monotonic(), math.nan, math.nan, math.nan)

    def read_hz(self) -> float:
        """Return NaN: not known."""
        return math.nan

    def request_hz(self, clock_hz: float) -> float:
        """Refuse.

        :raises Unsupported: always.
        """
        raise Unsupported(f"clock must be settable to take {clock_hz:g} Hz, got an unmetered one")

    def run(self, flop: float, work: Callable[[], T]) -> T:  # noqa: ARG002
        """Do ``work`` at this machine's own pace."""
        return work()

    def interrupt(self) -> None:
        """Nothing is waited for."""

    def close(self) -> None:
        """Nothing is held open."""
