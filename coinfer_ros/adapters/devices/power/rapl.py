# SPDX-License-Identifier: Apache-2.0
"""Reads the energy counters of Intel's and AMD's processors (RAPL) through powercap."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.sysfs import read_number, read_text
from coinfer_ros.core.energy.counter import Unwrapped
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Rail, Sample, SensorInfo

# All zones, sub-zones beside their packages. Not intel-rapl-mmio, which shows package-0 again.
# AMD's processors have the same names (drivers/powercap/intel_rapl_msr.c).
ZONES = "sys/class/powercap/intel-rapl:*"

# The counters move about every millisecond: Intel SDM, volume 3B, "RAPL Interfaces".
PERIOD_S = 0.001
# Over less the power of a counter that moves in steps is noise.
LEAST_S = 3.0 * PERIOD_S
# The unit of most Intel processors, 2^-14 J; AMD's is finer.
STEP_J = 61e-6


class Zone:
    """One zone: a part of the processor, with a counter that this class makes continuous.

    :ivar name: ``package-0``, ``package-0 dram``, ``psys``.
    :ivar kind: ``package``, ``dram``, ``core``, ``uncore``, ``psys``.
    :ivar energy_j: since it was first read, J.
    :ivar power_w: mean between the last two looks, W; NaN: not known.
    """

    def __init__(self, folder: Path) -> None:
        own = read_text(folder / "name")
        names = [read_text(folder.with_name(above) / "name") for above in _above(folder.name)]
        self.name = " ".join([*names, own])
        self.kind = own.split("-")[0]
        self.energy_j, self.power_w = 0.0, math.nan
        self._file = folder / "energy_uj"
        self._counter = Unwrapped(read_number(folder / "max_energy_range_uj", scale=1e-6))
        self._read_at_s = math.nan
        self._since_s, self._since_j = math.nan, 0.0

    def look(self, at_s: float) -> bool:
        """Read the counter; False where it fell or jumped, and begins anew.

        :raises NotPermitted, Unavailable, InvalidInput: as ``read_number``.
        """
        self.power_w = math.nan
        raw_j = read_number(self._file, scale=1e-6)
        first, elapsed_s = math.isnan(self._read_at_s), at_s - self._read_at_s
        # It may have moved once even where no time has passed.
        step_j = self._counter.step_j(raw_j, elapsed_s=elapsed_s + PERIOD_S)
        self._read_at_s = at_s
        if math.isnan(step_j):
            self._since_s, self._since_j = at_s, self.energy_j
            return first
        self.energy_j += step_j
        if at_s - self._since_s >= LEAST_S:
            self.power_w = (self.energy_j - self._since_j) / (at_s - self._since_s)
            self._since_s, self._since_j = at_s, self.energy_j
        return True

    def restart(self) -> None:
        """Count from 0 again."""
        self._since_j -= self.energy_j
        self.energy_j = 0.0


class RaplSensor:
    """Power of the processors, and of their memory where it has a counter.

    The counter of a sample is the sum over zones that each wrap on their own, made continuous; it
    is NaN where one of them could not be read or began anew, and starts over after the latter.

    :param root: where ``sys`` hangs.
    :param now: monotonic clock, s.
    :param platform: the total is that of the whole platform (``psys``), where there is one.
    :raises Unavailable: when there is no such counter here.
    :raises NotPermitted: with the one command that permits it.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        now: Callable[[], float] = time.monotonic,
        *,
        platform: bool = False,
    ) -> None:
        self.faults = Faults()
        self._now = now
        self._zones = list(self._found(root))
        self._total = _total(self._zones, platform)
        if not self._total:
            raise Unavailable(
                f"a RAPL energy counter must be at {root / ZONES}; virtual machines have none, "
                f"others may need: sudo modprobe intel_rapl_msr{self._left_out()}"
            )
        covers = " + ".join(zone.name for zone in self._total)
        self.info = SensorInfo("rapl", f"processor: {covers}", PERIOD_S, STEP_J * len(self._total))

    def sample(self) -> Sample:
        """Read all zones once.

        The power of the first sample is the mean since the sensor was opened.

        :raises Unavailable: when none of them can be read.
        """
        at_s = self._now()
        read = [zone for zone in self._zones if self._look(zone, at_s)]
        if not read:
            raise Unavailable(f"no RAPL energy counter can be read now: {self.faults.last}")
        whole = all(zone in read for zone in self._total)
        rails = tuple(Rail(z.name, z.power_w) for z in read if not math.isnan(z.power_w))
        return Sample(
            at_s,
            math.fsum(zone.power_w for zone in self._total),
            math.fsum(zone.energy_j for zone in self._total) if whole else math.nan,
            rails,
        )

    def close(self) -> None:
        """Nothing is held open."""

    def _found(self, root: Path) -> Iterator[Zone]:
        at_s = self._now()
        for folder in sorted(root.glob(ZONES)):
            try:
                zone = Zone(folder)
                zone.look(at_s)
            except NotPermitted as error:
                # 0400 since CVE-2020-8694, for energy tells of secrets.
                raise NotPermitted(f"{error}; {REMEDY}") from error
            except (Unavailable, InvalidInput) as error:
                self.faults.add("zone left out", str(error))
            else:
                yield zone

    def _left_out(self) -> str:
        return f" ({self.faults.last})" if self.faults.last else ""

    def _look(self, zone: Zone, at_s: float) -> bool:
        """Read one zone; False, and counted, where it gives nothing now."""
        try:
            if zone.look(at_s):
                return True
        except (NotPermitted, Unavailable, InvalidInput) as error:
            self.faults.add("counter not readable", str(error))
        else:
            self.faults.add("counter fell or jumped", zone.name)
            for part in self._total if zone in self._total else ():
                part.restart()  # a sum that falls tells whoever follows it
        return False


def _total(zones: list[Zone], platform: bool) -> list[Zone]:
    """Return the zones to sum: no other includes the memory, and the platform includes both."""
    whole = [zone for zone in zones if zone.kind == "psys"]
    parts = [zone for zone in zones if zone.kind in {"package", "dram"}]
    return whole if platform and whole else parts or whole


def _above(folder: str) -> list[str]:
    """Return the zones that a zone is part of, the greatest first.

    >>> _above("intel-rapl:0:1")
    ['intel-rapl:0']
    """
    numbers = folder.split(":")
    return [":".join(numbers[:depth]) for depth in range(2, len(numbers))]
