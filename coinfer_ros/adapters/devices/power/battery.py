# SPDX-License-Identifier: Apache-2.0
"""Reads what a machine draws from its batteries through the power_supply class."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

from coinfer_ros.adapters.devices.sysfs import read_number, read_text
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Rail, Sample, SensorInfo

SUPPLIES = "sys/class/power_supply/*"

# Linux asks a laptop's firmware once a second at most (drivers/acpi/battery.c, cache_time).
PERIOD_S = 1.0
# The step of a usual fuel gauge: 1 mA at 10 V.
STEP_W = 0.01
HIGHEST_W = 10_000.0

# Beside a battery that discharges these give nothing and take nothing.
IDLE = ("Full", "Not charging")


class BatterySensor:
    """Power of a whole machine while it runs on its batteries.

    On mains nothing here tells what the machine draws: the total is NaN then, and counted.

    :param root: where ``sys`` hangs.
    :param now: monotonic clock, s.
    :raises Unavailable: when no battery of this machine is here.
    """

    def __init__(self, root: Path = Path("/"), now: Callable[[], float] = time.monotonic) -> None:
        self.faults = Faults()
        self._now = now
        self._batteries = [b for b in sorted(root.glob(SUPPLIES)) if _feeds_machine(b)]
        if not self._batteries:
            raise Unavailable(
                f"a battery of this machine must be at {root / SUPPLIES}: type Battery, present, "
                "scope not Device"
            )
        names = " + ".join(battery.name for battery in self._batteries)
        covers = f"whole machine while it runs on {names}"
        self.info = SensorInfo("battery", covers, PERIOD_S, STEP_W * PERIOD_S)

    def sample(self) -> Sample:
        """Look at every battery once.

        :raises Unavailable: when none of them can be read.
        """
        at_s = self._now()
        rails = [rail for battery in self._batteries if (rail := self._rail(battery))]
        if not rails:
            raise Unavailable(f"no battery can be read now: {self.faults.last}")
        drawn_w = math.fsum(rail.power_w for rail in rails)
        if drawn_w == 0.0:
            self.faults.add("power not known", "no battery discharges")
        known = len(rails) == len(self._batteries) and drawn_w > 0.0
        drawing = tuple(rail for rail in rails if rail.power_w > 0.0)
        return Sample(at_s, drawn_w if known else math.nan, rails=drawing)

    def close(self) -> None:
        """Nothing is held open."""

    def _rail(self, battery: Path) -> Rail | None:
        """Return what one battery gives, NaN where that is not known; None: it is gone."""
        try:
            status = read_text(battery / "status")
        except (NotPermitted, Unavailable) as error:
            self.faults.add("battery not readable", str(error))
            return None
        if status in IDLE:
            return Rail(battery.name, 0.0)
        if status != "Discharging":
            self.faults.add("power not known", f"{battery.name} is {status or 'silent'}")
            return Rail(battery.name, math.nan)
        return Rail(battery.name, self._drawn_w(battery))

    def _drawn_w(self, battery: Path) -> float:
        try:
            power_w = _power_w(battery)
        except (NotPermitted, Unavailable, InvalidInput) as error:
            self.faults.add("power of a battery not readable", str(error))
            return math.nan
        if 0.0 < power_w <= HIGHEST_W:  # a machine that runs draws more than 0
            return power_w
        self.faults.add("absurd power of a battery", f"{battery.name} {power_w:g} W")
        return math.nan


def _feeds_machine(supply: Path) -> bool:
    """Tell whether a supply is a battery, is there, and is not that of a mouse or the like."""
    return (
        _text(supply / "type") == "Battery"
        and _text(supply / "scope") != "Device"
        and _text(supply / "present") != "0"
    )


def _power_w(battery: Path) -> float:
    """Return the power of a battery that discharges, W.

    Its sign says nothing: Documentation/ABI/testing/sysfs-class-power has the current negative
    while discharging, and many drivers, ACPI's among them, never do.
    """
    try:
        return abs(read_number(battery / "power_now", scale=1e-6))
    except Unavailable:
        current_a = read_number(battery / "current_now", scale=1e-6)
        return abs(current_a) * read_number(battery / "voltage_now", scale=1e-6)


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (NotPermitted, Unavailable):
        return ""
