# SPDX-License-Identifier: Apache-2.0
"""Reads an NVIDIA GPU's power, energy counter, temperature and load; it changes nothing there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from coinfer_ros.adapters.devices.nvml.errors import NotFound
from coinfer_ros.adapters.devices.nvml.gpu import OpenGpu
from coinfer_ros.adapters.devices.nvml.readings import Figure, Readings
from coinfer_ros.core.errors import Unavailable, Unsupported
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import ProcessLoad, Rail, Sample, SensorInfo

# Time between two updates is 20 to 100 ms, 100 ms on A100 and H100 (arXiv 2312.02741); no board
# tells, so the longest is taken. ``measured_period_s`` measures it.
PERIOD_S = 0.1
# A process has a new sample every 1/6 to 1 s, so each has one in this window.
PROCESS_WINDOW_US = 2_000_000

# Of nvml.h: NVML_FI_DEV_POWER_AVERAGE and _INSTANT, NVML_POWER_SCOPE_*, NVML_TEMPERATURE_GPU.
FIELD_AVERAGE, FIELD_INSTANT = 185, 186
SCOPE_GPU, SCOPE_MODULE, SCOPE_MEMORY = 0, 1, 2
TEMPERATURE_GPU = 0

# NVML has mW, mJ, °C and %. A board that answers draws more than 0 W.
INSTANT = Figure("instantaneous power", 1e-3, 1e-3, 1e4)
POWER = Figure("power", 1e-3, 1e-3, 1e4)
MEMORY = Figure("memory power", 1e-3, 1e-3, 1e4)
MODULE = Figure("module power", 1e-3, 1e-3, 1e4)
ENERGY = Figure("energy counter", 1e-3, 0.0, math.inf)
TEMPERATURE = Figure("temperature", 1.0, -60.0, 200.0)
LOAD = Figure("load", 1e-2, 0.0, 1.0)
PROCESS = Figure("process load", 1e-2, 0.0, 1.0)


class NvmlSensor:
    """The power of one GPU, without changing anything of it.

    What this GPU does not give is NaN in every sample and counted once. Rails are ``GPU`` and,
    where NVML measures them, ``GPU memory`` (a part of ``GPU``) and ``module`` (GPU and NVIDIA's
    own CPU). Process numbers are the host's, also in a container.

    :param index: NVML's number of the GPU.
    :param now: monotonic clock, s.
    :param counter_every_s: least time between two looks at the energy counter, s; between them
        samples have none. On an H100 that look is 4 ms of processor time, where power, clock,
        temperature and load together take 0.02 (driver 580, ``make bench ARGS="--only meters"``).
    :raises InvalidInput: when ``index`` is no index at all.
    :raises Unavailable: when NVML or the GPU is not there.
    :raises NotPermitted: when this user may not use it.
    :raises Unsupported: when it measures neither power nor energy.
    """

    def __init__(
        self,
        index: int = 0,
        now: Callable[[], float] = time.monotonic,
        *,
        counter_every_s: float = 0.0,
    ) -> None:
        self.faults = Faults()
        self._counter_every_s, self._counted_s = counter_every_s, -math.inf
        self._readings = Readings(self.faults)
        self._now = now
        self._gpu = OpenGpu(index)
        try:
            self._look()  # finds what is absent
            self.info = self._describe()
        except BaseException:
            self.close()
            raise

    def sample(self) -> Sample:
        """Look once.

        :raises Unavailable: when the GPU is lost or gives no reading at all; each later call looks
            for the same GPU again.
        """
        found = self._look()
        figures = (found.power_w, found.counter_j, found.temperature_c, found.load)
        if all(math.isnan(figure) for figure in figures):
            raise Unavailable(f"{self._gpu} must give a reading: {self.faults.last}")
        return found

    def close(self) -> None:
        """Let go of NVML; twice is once."""
        self._gpu.close()

    def _describe(self) -> SensorInfo:
        absent = self._readings.absent
        if {INSTANT.name, POWER.name, ENERGY.name} <= absent:
            raise Unsupported(
                f"{self._gpu} must measure its power, but gives neither power nor energy; "
                "on a Jetson use tegrastats or hwmon"
            )
        averaged = INSTANT.name in absent
        kind = "power that the driver may average over 1 s" if averaged else INSTANT.name
        board = "whole board of all MIG instances" if self._gpu.gpu.mig else "whole board"
        return SensorInfo(
            source="nvml",
            covers=f"{self._gpu}, {board}, {kind}",
            period_s=PERIOD_S if ENERGY.name in absent else max(PERIOD_S, self._counter_every_s),
            resolution_j=POWER.scale * PERIOD_S if ENERGY.name in absent else ENERGY.scale,
        )

    def _look(self) -> Sample:
        at_s = self._now()
        counter_j = math.nan
        if at_s - self._counted_s >= self._counter_every_s:
            self._counted_s = at_s
            counter_j = self._figure(ENERGY, "nvmlDeviceGetTotalEnergyConsumption")
        power_w = self._power_w()
        return Sample(
            at_s=at_s,
            power_w=power_w,
            counter_j=counter_j,
            rails=self._rails(power_w),
            temperature_c=self._readings.figure(TEMPERATURE, self._temperature),
            load=self._readings.figure(LOAD, self._load),
            processes=self._processes(),
        )

    def _figure(self, figure: Figure, function: str) -> float:
        return self._readings.figure(figure, lambda: float(self._gpu.ask(function)))

    def _power_w(self) -> float:
        # On Ampere and later, GA100 apart, GetPowerUsage is an average over 1 s (NVML reference).
        instant_w = self._readings.figure(
            INSTANT, lambda: self._gpu.field(FIELD_INSTANT, SCOPE_GPU)
        )
        if INSTANT.name not in self._readings.absent:
            return instant_w
        return self._figure(POWER, "nvmlDeviceGetPowerUsage")

    def _rails(self, power_w: float) -> tuple[Rail, ...]:
        # Of the memory, Hopper and later give only the average (zeus #122, k8s-test-infra #676).
        rails = (
            Rail("GPU", power_w),
            Rail("GPU memory", self._part_w(MEMORY, FIELD_AVERAGE, SCOPE_MEMORY)),
            Rail("module", self._part_w(MODULE, FIELD_INSTANT, SCOPE_MODULE)),
        )
        return tuple(rail for rail in rails if not math.isnan(rail.power_w))

    def _part_w(self, figure: Figure, field_id: int, scope_id: int) -> float:
        def measured() -> float:
            raw = self._gpu.field(field_id, scope_id)
            if not raw:  # some GPUs say 0 for a part that they cannot measure (zeus)
                raise Unsupported(f"{self._gpu} says 0 for its {figure.name}")
            return raw

        return self._readings.figure(figure, measured)

    def _temperature(self) -> float:
        # The former function goes with CUDA 14, the newer one is not in older drivers.
        functions = ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature")
        return float(self._gpu.ask_first(functions, TEMPERATURE_GPU))

    def _load(self) -> float:
        return float(self._gpu.ask("nvmlDeviceGetUtilizationRates").gpu)

    def _processes(self) -> tuple[ProcessLoad, ...]:
        newest: dict[int, Any] = {}
        samples = self._readings.answer(PROCESS.name, self._process_samples, ())
        for one in samples:
            if one.pid and one.timeStamp >= getattr(newest.get(one.pid), "timeStamp", 0):
                newest[one.pid] = one  # pid 0 is an empty slot
        loads = [
            (pid, self._readings.plausible(PROCESS, one.smUtil)) for pid, one in newest.items()
        ]
        return tuple(ProcessLoad(pid, load) for pid, load in loads if not math.isnan(load))

    def _process_samples(self) -> list[Any]:
        since_us = time.time_ns() // 1000 - PROCESS_WINDOW_US  # NVML stamps with the wall clock
        try:
            return list(self._gpu.ask("nvmlDeviceGetProcessUtilization", since_us))
        except NotFound:  # nobody computed
            return []
