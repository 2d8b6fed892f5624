# SPDX-License-Identifier: Apache-2.0
"""Joules of windows on a real NVIDIA GPU, ours beside those of Zeus; it only reads the card."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from bench.options import Options
from bench.section import Section
from coinfer_ros.adapters.devices.nvml import NvmlSensor
from coinfer_ros.adapters.devices.nvml.period import measured_period_s
from coinfer_ros.adapters.devices.power.sampled import SampledMeter
from coinfer_ros.core.errors import Unavailable

WINDOWS_S = {0.05: 40, 0.2: 40, 0.5: 20, 1.0: 12, 3.0: 6, 10.0: 2}
SIDE = 4096
BUSY_S, REST_S = 0.06, 0.04
LATER_S = 0.5  # until the sensor has seen the window's end


@dataclass
class Found:
    """Windows of one length: joules of ours, their bound, and of Zeus."""

    ours_j: list[float] = field(default_factory=list)
    bounds_j: list[float] = field(default_factory=list)
    zeus_j: list[float] = field(default_factory=list)


def measure(options: Options) -> Section:
    """Measure the same windows with both."""
    if not torch.cuda.is_available():
        raise Unavailable("an NVIDIA GPU must be here to be measured, got none")
    try:
        from zeus.monitor import ZeusMonitor  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(f"zeus must be installed to be compared with, got: {error}") from error
    sensor = NvmlSensor()
    covers, period_s = sensor.info.covers, measured_period_s(sensor, within_s=4.0)
    zeus, meter = ZeusMonitor(gpu_indices=[0], cpu_indices=[]), SampledMeter(sensor)
    work, found = _work(), {window_s: Found() for window_s in WINDOWS_S}
    try:
        _spin(work, 2.0)
        for window_s, full in WINDOWS_S.items():
            for _ in range(options.rounds(full, 1)):
                _one(meter, zeus, work, window_s, found[window_s])
        drift, faults = meter.drift, str(meter.faults)
    finally:
        meter.close()
    return Section(
        title=f"Joules of a GPU beside Zeus: {torch.cuda.get_device_name()}",
        columns=(
            "window, s",
            "windows",
            "known, %",
            "ours over Zeus, p50",
            "least",
            "most",
            "our bound p50, %",
            "Zeus says 0, %",
        ),
        rows=tuple(_row(window_s, of) for window_s, of in found.items()),
        reading=(
            f"{covers}. Products of {SIDE} x {SIDE} matrices in bfloat16 for "
            f"{1e3 * BUSY_S:.0f} ms, then {1e3 * REST_S:.0f} ms of rest, over and over; windows "
            "begin anywhere in that. "
            "Both read the driver's counter over the same window, Zeus (its ZeusMonitor) as "
            "the difference of two looks, ours from the ledger half a second later. Ratios are of "
            f"known windows. The counter moved every {1e3 * period_s:.0f} ms (median). Integrated "
            f"power exceeded it by {100 * drift:.1f} %. Left out: {faults or 'nothing'}."
        ),
    )


def _row(window_s: float, of: Found) -> tuple[str, ...]:
    ours_j, zeus_j, bounds_j = np.array(of.ours_j), np.array(of.zeus_j), np.array(of.bounds_j)
    known = ~np.isnan(ours_j)
    cells = [f"{window_s:g}", str(len(ours_j)), f"{100 * known.mean():.0f}"]
    both = known & (zeus_j > 0.0)
    if both.any():
        ratios = ours_j[both] / zeus_j[both]
        cells += [f"{value:.3f}" for value in (np.median(ratios), ratios.min(), ratios.max())]
        cells.append(f"{100 * np.median(bounds_j[both] / ours_j[both]):.0f}")
    else:
        cells += ["unknown"] * 4
    return (*cells, f"{100 * (zeus_j == 0.0).mean():.0f}")


def _one(
    meter: SampledMeter, zeus: object, work: Callable[[], object], window_s: float, found: Found
) -> None:
    _spin(work, float(np.random.default_rng().uniform(0.1, 0.3)))
    zeus.begin_window("window", sync_execution=False)  # type: ignore[attr-defined]
    before = meter.read()
    _spin(work, window_s)
    after = meter.read()
    seen = zeus.end_window("window", sync_execution=False)  # type: ignore[attr-defined]
    _spin(work, LATER_S)
    spent = meter.spent(before, after)
    found.ours_j.append(spent.gross_j)
    found.bounds_j.append(spent.error_j)
    found.zeus_j.append(float(sum(seen.gpu_energy.values())))


def _work() -> Callable[[], object]:
    left = torch.randn(SIDE, SIDE, device="cuda", dtype=torch.bfloat16)
    return lambda: torch.mm(left, left)


def _spin(work: Callable[[], object], seconds: float) -> None:
    """Work and rest in turn for so long."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0.0:
        busy_s = min(BUSY_S, left_s)
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < busy_s:
            work()
            torch.cuda.synchronize()
        time.sleep(max(min(REST_S, end_s - time.monotonic()), 0.0))
