# SPDX-License-Identifier: Apache-2.0
"""Shows one cpufreq policy, which is the cores that share a clock, with the steps it can take."""

from __future__ import annotations

import re
from pathlib import Path

from coinfer_ros.adapters.devices.clocks.frequency_domain import FrequencyDomain, frequencies
from coinfer_ros.adapters.devices.clocks.nvpmodel import ClockLimits, PowerMode
from coinfer_ros.adapters.devices.sysfs import read_number, read_text
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.faults import Faults

# intel_pstate and amd-pstate take any frequency and list none: we offer every 100 MHz, the step
# in which Intel's hardware counts.
GRID_HZ = 100e6


class Policy:
    """One policy that answers: the kernel refuses to read one whose cores are all off.

    :param folder: its folder in ``/sys/devices/system/cpu/cpufreq``.
    :param faults: counts the table's entries that are no frequencies.
    :ivar cores: how many of its cores are on.
    :raises Unavailable: when it does not answer.
    :raises Unsupported: when its table is empty.
    """

    def __init__(self, folder: Path, faults: Faults) -> None:
        self.name = folder.name
        self.cores = len(_cores(folder / "affected_cpus"))
        self._all_cores = _cores(folder / "related_cpus")
        self._current = folder / "scaling_cur_freq"
        table_hz = _table(folder, faults)
        if not table_hz:
            raise Unsupported(f"{folder} must list frequencies for the clock to be set")
        self.domain = FrequencyDomain(
            folder / "scaling_min_freq", folder / "scaling_max_freq", 1e3, table_hz
        )

    def limits(self, mode: PowerMode | None) -> ClockLimits:
        """Return what a power mode allows it."""
        return mode.cluster(self._all_cores) if mode else ClockLimits()

    def read_hz(self) -> float:
        """Return the clock now, Hz.

        :raises InvalidInput: when the kernel does not know it.
        :raises Unavailable: when the policy does not answer.
        """
        return read_number(self._current, scale=1e3)


def _cores(path: Path) -> list[int]:
    return [int(word) for word in re.findall(r"[0-9]+", read_text(path))]


def _table(folder: Path, faults: Faults) -> tuple[float, ...]:
    listed = folder / "scaling_available_frequencies"
    if listed.exists():
        return frequencies(listed, 1e3, faults)
    try:
        first, last = (
            read_number(folder / f"cpuinfo_{end}_freq", scale=1e3) for end in ("min", "max")
        )
    except InvalidInput as error:
        raise Unavailable(str(error)) from error
    grid = (step * GRID_HZ for step in range(int(last / GRID_HZ) + 1))
    return tuple(sorted({first, *(step for step in grid if first < step < last), last}))
