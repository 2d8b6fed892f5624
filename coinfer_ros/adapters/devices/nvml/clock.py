# SPDX-License-Identifier: Apache-2.0
"""Sets the graphics clock of an NVIDIA GPU, reads what it achieves and what throttles it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from coinfer_ros.adapters.devices.nvml.errors import NotFound
from coinfer_ros.adapters.devices.nvml.gpu import OpenGpu
from coinfer_ros.adapters.devices.nvml.readings import Figure
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unsupported
from coinfer_ros.core.ports import ClockReading

HZ = Figure("clock", 1e6, 1e6, 1e10)  # NVML has MHz
GRAPHICS = 0  # NVML_CLOCK_GRAPHICS

REASONS = ("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
# Bits of nvml.h's nvmlClocksEventReason*. Those of an idle GPU and of clocks that a user has set
# are no throttling; the general hardware slowdown comes with the bit that says which.
NO_THROTTLING = 0x1 | 0x2
HARDWARE_SLOWDOWN, HARDWARE_DETAILS = 0x8, 0x40 | 0x80
THROTTLES = {
    0x4: "software power cap",
    HARDWARE_SLOWDOWN: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clock setting",
    0x200: "board limit",
    0x400: "reliability limit",
}
FORMER = {"locked_clocks": "reset"}


class NvmlClock:
    """The graphics clock of one GPU, which NVML can lock to a step.

    A lock outlives the process that set it; it ends with a reset, or when the driver is unloaded.
    With MIG it is that of all instances.

    :param index: NVML's number of the GPU.
    :ivar device: ``nvml-`` and the GPU's UUID.
    :ivar steps_hz: what can be set with the memory at its highest clock, Hz; empty: nothing can.
    :ivar default_hz: the boost clock, or the greatest step where NVML does not say, Hz.
    :raises InvalidInput: when ``index`` is no index at all.
    :raises Unavailable: when NVML or the GPU is not there.
    :raises NotPermitted: when this user may not use it.
    """

    def __init__(self, index: int = 0) -> None:
        self._gpu = OpenGpu(index)
        try:
            self.device = f"nvml-{self._gpu.gpu.uuid}"
            self.steps_hz = self._steps_hz()
            self.default_hz = self._default_hz()
        except BaseException:
            self.close()
            raise

    def read(self) -> ClockReading:
        """Return the clock now achieved, and what throttles it; no word where NVML does not say.

        :raises Unavailable: when the GPU is lost; each later call looks for it again.
        """
        return ClockReading(self._mhz_as_hz("nvmlDeviceGetClockInfo"), self._throttle())

    def former(self) -> Mapping[str, str]:
        """Return how to undo a lock: by a reset.

        NVML cannot tell whether, and to what, somebody had locked the clock before; so that lock
        is not restored but ends too.
        """
        return dict(FORMER)

    def set_hz(self, step_hz: float) -> None:
        """Lock the clock to one of the steps.

        :raises InvalidInput: when it is none of ``steps_hz``.
        :raises Unsupported: when this GPU's clock cannot be set.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the GPU is lost; each later call looks for it again.
        """
        if not self.steps_hz:
            raise Unsupported(f"{self._gpu} must have clocks to choose from, NVML lists none")
        if step_hz not in self.steps_hz:
            low, high = self.steps_hz[0] / 1e6, self.steps_hz[-1] / 1e6
            raise InvalidInput(
                f"step_hz must be one of {len(self.steps_hz)} steps in [{low:g}, {high:g}] MHz, "
                f"got {step_hz!r}"
            )
        mhz = round(step_hz / 1e6)
        self._gpu.ask("nvmlDeviceSetGpuLockedClocks", mhz, mhz)

    def restore(self, former: Mapping[str, str]) -> None:
        """End the lock, whoever set it; twice is once.

        :param former: what ``former`` returned, perhaps in another process.
        :raises InvalidInput: when it is anything else.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the GPU is lost; each later call looks for it again.
        """
        if dict(former) != FORMER:
            raise InvalidInput(f"former must be {FORMER}, got {dict(former)}")
        self._gpu.ask("nvmlDeviceResetGpuLockedClocks")

    def close(self) -> None:
        """Let go of NVML, not of a lock; twice is once."""
        self._gpu.close()

    def _steps_hz(self) -> tuple[float, ...]:
        try:
            memory_mhz = self._gpu.ask("nvmlDeviceGetSupportedMemoryClocks")
            if not memory_mhz:
                return ()
            mhz = self._gpu.ask("nvmlDeviceGetSupportedGraphicsClocks", max(memory_mhz))
        except (NotFound, NotPermitted, Unsupported):
            return ()
        return tuple(sorted({hz for hz in map(HZ.of, mhz) if not math.isnan(hz)}))

    def _default_hz(self) -> float:
        boost_hz = self._mhz_as_hz("nvmlDeviceGetMaxCustomerBoostClock")
        if not math.isnan(boost_hz):
            return boost_hz
        return self.steps_hz[-1] if self.steps_hz else self._mhz_as_hz("nvmlDeviceGetMaxClockInfo")

    def _mhz_as_hz(self, function: str) -> float:
        try:
            return HZ.of(self._gpu.ask(function, GRAPHICS))
        except (Unsupported, NotPermitted):
            return math.nan

    def _throttle(self) -> str:
        try:
            bits = int(self._gpu.ask_first(REASONS)) & ~NO_THROTTLING
        except (Unsupported, NotPermitted):
            return ""
        if bits & HARDWARE_DETAILS:
            bits &= ~HARDWARE_SLOWDOWN
        words = [word for bit, word in THROTTLES.items() if bits & bit]
        unknown = bits & ~sum(THROTTLES)
        return ", ".join([*words, f"reason {unknown:#x}"] if unknown else words)
