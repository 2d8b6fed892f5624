# SPDX-License-Identifier: Apache-2.0
"""Reads the power monitors of Jetson boards (INA3221, INA238 and their kin) through sysfs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices import boards
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.sysfs import read_number
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Rail, Sample, SensorInfo

# The second is the first by another way; a container may have only one of them.
HWMON = ("sys/class/hwmon/hwmon*", "sys/bus/i2c/drivers/ina*/*/hwmon/hwmon*")
# NVIDIA's own driver, of JetPack 4: nvidia/drivers/staging/iio/meter/ina3221.c
IIO = "sys/bus/i2c/drivers/ina3221x/*/iio:device*"
# Thousandths of busy time: Nano to Xavier; Xavier and Orin; Orin on JetPack 6. Thor has none.
LOADS = (
    "sys/devices/gpu.0/load",
    "sys/devices/platform/gpu.0/load",
    "sys/devices/platform/17000000.gpu/load",
    "sys/devices/platform/bus@0/17000000.gpu/load",
)

# A channel without connection, one without a name (as printf shows it), the sum over all shunts.
NO_RAIL = ("", "NC", "(null)", "sum of shunt voltages")

# An idle rail reads a step or two below 0: the shunt's offset is up to 80 uV (INA3221 data sheet),
# over the 2 mOhm of AGX Orin and Thor at 20 V that is 0.8 W. What is lower is an error.
LOWEST_W = -1.0
HIGHEST_W = 10_000.0
# One step of its converter, 40 uV, over the same; all other boards have finer ones.
STEP_W = 0.4

# Where the driver tells no update_interval: 3 channels x 64 averages x 2 x 1.1 ms, the setting of
# NVIDIA's driver for the INA3221 (0x7727); 3 x 16 x 1.05 ms, mainline's for the INA238 (0xfb6a).
PERIOD_S = 0.42
PERIODS_S = {"ina238": 0.05}


@dataclass(frozen=True)
class Channel:
    """One rail and the files whose product is its power; each with what makes it SI units."""

    name: str
    factors: tuple[tuple[Path, float], ...]

    def read_w(self) -> float:
        """Read the power, W; raises what ``read_number`` raises."""
        return math.prod(read_number(path, scale=scale) for path, scale in self.factors)


class InaSensor:
    """Power of a Jetson by its own monitors; temperature and load beside it.

    :param root: where ``sys`` and ``proc`` hang.
    :param now: monotonic clock, s.
    :raises Unavailable: when there is no such monitor here.
    :raises NotPermitted: with the one command that permits it.
    """

    def __init__(self, root: Path = Path("/"), now: Callable[[], float] = time.monotonic) -> None:
        self.faults = Faults()
        self._now = now
        folders = sorted({found.resolve() for glob in HWMON for found in root.glob(glob)})
        monitors = [folder for folder in folders if boards.text(folder / "name").startswith("ina")]
        self._channels = [c for folder in monitors for c in _hwmon_channels(folder)]
        self._channels += [c for folder in sorted(root.glob(IIO)) for c in _iio_channels(folder)]
        if not self._channels:
            looked = " or ".join(str(root / glob) for glob in (*HWMON, IIO))
            raise Unavailable(f"a power monitor (INA3221, INA238) must be at {looked}")
        self._check_permission()
        self._board = boards.detect(root)
        self._gpu_c, self._cpu_c = _zones(root, "gpu"), _zones(root, "cpu")
        self._load = next((root / path for path in LOADS if (root / path).exists()), None)
        period_s = max(map(_period_s, monitors), default=PERIOD_S)
        self.info = SensorInfo("hwmon", self._covers(root), period_s, STEP_W * period_s)

    def sample(self) -> Sample:
        """Look at every rail once.

        :raises Unavailable: when none of them can be read.
        """
        at_s = self._now()
        rails = tuple(self._rails())
        if not rails:
            raise Unavailable(f"no power rail can be read now: {self.faults.last}")
        power_w = boards.total_w(self._board, rails) if self._board else math.nan
        return Sample(
            at_s, power_w, rails=rails, temperature_c=self._temperature_c(), load=self._busy()
        )

    def close(self) -> None:
        """Nothing is held open."""

    def _check_permission(self) -> None:
        try:
            self._channels[0].read_w()
        except NotPermitted as error:
            raise NotPermitted(f"{error}; {REMEDY}") from error
        except (Unavailable, InvalidInput):
            pass  # the first sample says it

    def _covers(self, root: Path) -> str:
        """Return what the total covers; count once why there is none."""
        if self._board is None:
            why = f"board {boards.model(root) or 'without a name'} is not in the table"
        elif lacking := self._board.lacks(channel.name for channel in self._channels):
            why = f"{self._board.name} without rail {', '.join(lacking)}"
        else:
            return f"{self._board.name}, {self._board.covers}"
        self.faults.add("total not known", why)
        return f"single rails only, total not known: {why}"

    def _rails(self) -> Iterator[Rail]:
        for channel in self._channels:
            try:
                power_w = channel.read_w()
            except (NotPermitted, Unavailable, InvalidInput) as error:
                self.faults.add("rail not readable", str(error))
                continue
            if LOWEST_W <= power_w <= HIGHEST_W:
                yield Rail(channel.name, power_w)
            else:
                self.faults.add("absurd power of a rail", f"{channel.name} {power_w:g} W")

    def _temperature_c(self) -> float:
        """Return the GPU's temperature, the CPU's hottest where that has none now, °C."""
        for zones in (self._gpu_c, self._cpu_c):  # the GPU's gives EAGAIN while Thor's GPU is off
            found = [c for c in (_number(zone, 1e-3) for zone in zones) if -40.0 <= c <= 150.0]
            if found:
                return max(found)
        if self._gpu_c or self._cpu_c:
            self.faults.add("temperature not readable")
        return math.nan

    def _busy(self) -> float:
        """Return the GPU's load, 0 to 1."""
        if self._load is None:
            return math.nan
        load = _number(self._load, 1e-3)
        if 0.0 <= load <= 1.0:
            return load
        self.faults.add("load not readable", str(self._load))
        return math.nan


def _hwmon_channels(folder: Path) -> Iterator[Channel]:
    """Yield the rails of a chip as in Documentation/hwmon/ina3221.rst, ina238.rst, ina2xx.rst."""
    single = folder / "power1_input"
    if single.exists():
        # hwmon's own label, else the device tree's, else the chip's name
        files = ("label", "power1_label", "in1_label", "device/of_node/label", "name")
        labels = (boards.text(folder / file) for file in files)
        yield Channel(next(filter(None, labels), "unnamed"), ((single, 1e-6),))
        return
    for number in (1, 2, 3):  # from 4 on they are voltages over shunts, and their sum
        current = folder / f"curr{number}_input"
        address = folder.parent.parent.name  # 1-0040/hwmon/hwmon3
        label = boards.text(folder / f"in{number}_label") or f"{address} channel {number}"
        enabled = boards.text(folder / f"in{number}_enable") != "0"
        if current.exists() and enabled and label not in NO_RAIL:
            yield Channel(label, ((folder / f"in{number}_input", 1e-3), (current, 1e-3)))


def _iio_channels(folder: Path) -> Iterator[Channel]:
    for number in (0, 1, 2):
        label = boards.text(folder / f"rail_name_{number}")
        if label in NO_RAIL:
            continue
        power = folder / f"in_power{number}_input"
        parts = [folder / f"in_{part}{number}_input" for part in ("voltage", "current")]
        files = [power] if power.exists() else parts
        yield Channel(label, tuple((file, 1e-3) for file in files))


def _period_s(folder: Path) -> float:
    period_s = _number(folder / "update_interval", 1e-3)
    sensible = 0.001 <= period_s <= 10.0
    return period_s if sensible else PERIODS_S.get(boards.text(folder / "name"), PERIOD_S)


def _zones(root: Path, word: str) -> list[Path]:
    """Return the temperatures of all thermal zones of a kind: ``GPU-therm``, ``gpu-thermal``..."""
    folders = sorted(root.glob("sys/class/thermal/thermal_zone*"))
    return [folder / "temp" for folder in folders if word in boards.text(folder / "type").lower()]


def _number(path: Path, scale: float) -> float:
    try:
        return read_number(path, scale=scale)
    except (NotPermitted, Unavailable, InvalidInput):
        return math.nan
