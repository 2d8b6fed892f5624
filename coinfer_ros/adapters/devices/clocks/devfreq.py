# SPDX-License-Identifier: Apache-2.0
"""Reads and sets the clock of a Jetson's GPU, which Linux shows as a devfreq device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from coinfer_ros.adapters.devices.clocks.frequency_domain import (
    FrequencyDomain,
    frequencies,
    limit_text,
)
from coinfer_ros.adapters.devices.clocks.nvpmodel import ClockLimits, mode_number, present_mode
from coinfer_ros.adapters.devices.clocks.sysfs_throttle import Throttle
from coinfer_ros.adapters.devices.sysfs import read_number
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import ClockReading

# Names as NVIDIA's nvpmodel.conf files and kernels have them.
GPUS = (
    "17000000.gpu",  # Orin, JetPack 6
    "17000000.ga10b",  # Orin, JetPack 5
    "17000000.gv11b",  # Xavier
    "17000000.gp10b",  # TX2
    "57000000.gpu",  # Nano and TX1
    "gpu-gpc-0",  # Thor; its gpu-nvd-0 is the clock of the video engines
)


class DevfreqClock:
    """The clock of a Jetson's GPU.

    Setting it moves ``min_freq`` and ``max_freq`` together, which every governor obeys, so that
    the governor stays as it is. It is never set above the ``max_freq`` found at first, nor above
    what nvpmodel's power mode allows.

    :param root: root of the system's files.
    :param name: name in ``/sys/class/devfreq``; empty: the first known GPU.
    :ivar faults: readings and table entries left out.
    :raises Unavailable: when there is no such device.
    :raises Unsupported: when it has no table of frequencies.
    """

    def __init__(self, root: Path = Path("/"), name: str = "") -> None:
        self.faults = Faults()
        self._root = root
        devices = root / "sys/class/devfreq"
        names = (name,) if name else GPUS
        self._name = next((one for one in names if (devices / one / "cur_freq").exists()), "")
        if not self._name or "/" in self._name:
            raise Unavailable(f"{devices} must have a GPU named {' or '.join(names)}")
        self.device = f"devfreq-{self._name}"
        self._folder = devices / self._name
        listed = self._folder / "available_frequencies"
        table_hz = frequencies(listed, 1.0, self.faults)
        if not table_hz:
            raise Unsupported(f"{listed} must list frequencies for the clock to be set")
        self._domain = FrequencyDomain(
            self._folder / "min_freq", self._folder / "max_freq", 1.0, table_hz
        )
        self._throttle = Throttle(
            root,
            # Older kernels have a number where the device's name is now.
            limits=(self.device, "thermal-devfreq-"),
            alerts=("gpu-throttle-alert",),
            # Orin and Thor count under-voltage in the first, over-current in the other two.
            counters=[("current", path) for path in root.glob("sys/class/hwmon/*/oc?_event_cnt")],
        )
        self._look()

    def read(self) -> ClockReading:
        """Return the clock as it is; NaN while the GPU is off, as it is when idle.

        :raises Unavailable: when the device is gone.
        :raises NotPermitted: when this user may not read it.
        """
        path = self._folder / "cur_freq"
        try:
            clock_hz = read_number(path)
        except InvalidInput as error:
            self.faults.add("cur_freq is no number", str(error))
            clock_hz = math.nan
        return ClockReading(clock_hz if clock_hz > 0 else math.nan, self._throttle.words())

    def former(self) -> Mapping[str, str]:
        """Return the limits as they stand, and the power mode that gave them.

        :raises Unavailable: when they cannot be read, or heat hides them.
        """
        self._throttle.refuse_hidden_limits(self.device)
        least, greatest = self._domain.former()
        mode = mode_number(present_mode(self._root))
        return {"min_freq": least, "max_freq": greatest, "power_mode": mode}

    def set_hz(self, step_hz: float) -> None:
        """Set the clock to one of the steps.

        :raises InvalidInput: when it is none of them.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone or refuses, or the power mode has become lower.
        """
        if step_hz not in self.steps_hz:
            raise InvalidInput(f"step_hz must be one of {self.steps_hz}, got {step_hz!r}")
        self._domain.pin(step_hz, self._mode_limits())

    def restore(self, former: Mapping[str, str]) -> None:
        """Write the limits back; where the power mode has changed since, those of the new mode.

        :raises InvalidInput: when ``former`` is not what ``former()`` returns.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone or refuses.
        """
        least, greatest = (limit_text(former, key) for key in ("min_freq", "max_freq"))
        mode = present_mode(self._root)
        if mode and former.get("power_mode") != mode_number(mode):
            least, greatest = self._domain.texts(mode.gpu)
        self._domain.restore(least, greatest)
        self._look()

    def close(self) -> None:
        """Nothing is held open."""

    def _look(self) -> None:
        """Learn the steps; again after ``restore``, as a killed owner's limits narrow them."""
        self.steps_hz = self._domain.steps_hz(self._mode_limits())
        if not self.steps_hz:
            raise Unsupported(f"{self._domain.greatest} must allow one of {self._domain.table_hz}")
        self.default_hz = self.steps_hz[-1]

    def _mode_limits(self) -> ClockLimits:
        mode = present_mode(self._root)
        return mode.gpu if mode else ClockLimits()
