# SPDX-License-Identifier: Apache-2.0
"""Reads single figures of a GPU and keeps out what is absent, refused or absurd."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from coinfer_ros.adapters.devices.nvml.errors import Lost
from coinfer_ros.core.errors import NotPermitted, Unavailable, Unsupported
from coinfer_ros.core.faults import Faults

T = TypeVar("T")
D = TypeVar("D")

# nvml.h's NVML_VALUE_NOT_AVAILABLE is -1, in whichever unsigned type.
NOT_AVAILABLE = (float(0xFFFFFFFF), float(0xFFFFFFFFFFFFFFFF))


@dataclass(frozen=True)
class Figure:
    """One figure: the factor from NVML's unit to ours, and within what it is no nonsense."""

    name: str
    scale: float
    low: float
    high: float

    def of(self, raw: float) -> float:
        """Return NVML's number in our unit; NaN when it is nonsense."""
        value = raw * self.scale
        return (
            value
            if self.low <= value <= self.high and float(raw) not in NOT_AVAILABLE
            else math.nan
        )


class Readings:
    """Asks for figures; what is left out is counted.

    :param faults: where to count: what a GPU does not give once, all else each time.
    :ivar absent: names of what this GPU does not give.
    """

    def __init__(self, faults: Faults) -> None:
        self.absent: set[str] = set()
        self._faults = faults

    def figure(self, figure: Figure, ask: Callable[[], float]) -> float:
        """Return one figure, NaN when it is left out.

        :raises Lost: when the GPU is gone.
        """
        raw = self.answer(figure.name, ask, None)
        return math.nan if raw is None else self.plausible(figure, raw)

    def plausible(self, figure: Figure, raw: float) -> float:
        """Return NVML's number in our unit, NaN and counted when it is nonsense."""
        value = figure.of(raw)
        if math.isnan(value):
            self._faults.add(f"absurd {figure.name}", f"{raw} in NVML's unit")
        return value

    def answer(self, name: str, ask: Callable[[], T], otherwise: D) -> T | D:
        """Return what ``ask`` returns, or ``otherwise`` when it is left out.

        :raises Lost: when the GPU is gone.
        """
        if name in self.absent:
            return otherwise
        try:
            return ask()
        except Lost:
            raise
        except (Unsupported, NotPermitted) as error:
            self.absent.add(name)
            self._faults.add(f"{name} not given", str(error))
        except Unavailable as error:
            self._faults.add(f"{name} not read", str(error))
        return otherwise
