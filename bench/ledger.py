# SPDX-License-Identifier: Apache-2.0
"""How far the ledger's joules are from the truth, for windows from a millisecond to ten seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.options import Options
from bench.section import Section, verdict
from coinfer_ros.core.energy import Ledger
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Sample, SensorInfo

WINDOWS_S = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
IDLE_W, BUSY_W, WAVE_W = 12.0, 45.0, 8.0
LENGTH_S = 50.0  # all of it fits into the ledger
GRAIN_S = 0.0005


@dataclass(frozen=True)
class Kind:
    """A sensor: how often it is renewed and looked at, and whether it counts energy itself."""

    name: str
    period_s: float
    look_s: float
    step_j: float
    counts: bool


KINDS = (
    Kind("RAPL, 1 ms", 0.001, 0.01, 61e-6, True),
    Kind("NVML, 100 ms", 0.1, 0.1, 1e-3, True),
    Kind("INA3221, 7 ms", 0.007, 0.01, 0.0, False),
    Kind("INA3221, 420 ms", 0.42, 0.42, 0.0, False),
)


@dataclass(frozen=True)
class Truth:
    """Power of a machine that answers questions, on a fine grid of time from 0."""

    energy_j: NDArray[np.float64]

    def at(self, at_s: float) -> float:
        """Return all energy until then, J."""
        whole, part = divmod(at_s / GRAIN_S, 1.0)
        below, above = self.energy_j[int(whole)], self.energy_j[int(whole) + 1]
        return float(below + part * (above - below))


def measure(options: Options) -> Section:
    """Compare windows of every length and kind."""
    rng = np.random.default_rng(0)
    truth, count = _truth(rng), options.rounds(2000, 50)
    rows, within = [], 0.0
    least = 1.0
    for kind in KINDS:
        ledger = _ledger(kind, truth)
        for window_s in WINDOWS_S:
            found = _windows(ledger, truth, window_s, count, rng)
            known = found[~np.isnan(found[:, 0])]
            cells = [kind.name, f"{window_s:g}", f"{100 * len(known) / count:.0f}"]
            if len(known):
                off, bound = np.abs(known[:, 0]), known[:, 1]
                within = float((off <= bound).mean())
                least = min(least, within)
                share = known[:, 2]
                cells += [
                    f"{100 * np.median(off / share):.2g}",
                    f"{100 * np.quantile(off / share, 0.99):.2g}",
                    f"{100 * np.median(bound / share):.2g}",
                    f"{100 * within:.1f}",
                ]
            else:
                cells += ["unknown"] * 4
            rows.append(tuple(cells))
    return Section(
        title="Joules of the ledger against the truth",
        columns=(
            "sensor",
            "window, s",
            "known, %",
            "error p50, %",
            "error p99, %",
            "bound p50, %",
            "within bound, %",
        ),
        rows=tuple(rows),
        verdicts=(
            verdict(
                "every known window within its stated bound",
                met=least == 1.0,
                seen=f"{100 * least:.1f} % at the worst kind and length",
            ),
        ),
        reading=(
            f"{count} windows of each length at random places of {LENGTH_S:.0f} simulated seconds: "
            f"{IDLE_W:.0f} W at rest, and bursts of 30 to 400 ms at {BUSY_W:.0f} W with "
            f"{WAVE_W:.0f} W of ripple. Share of the window's true energy, idle included. "
            "RAPL and NVML count energy, in steps of 61 µJ and 1 mJ; INA3221 shows the mean power "
            "of its period, which is integrated. The ledger looks every 10 ms at most. Unknown is "
            "every window under three periods, or three looks where those are rarer."
        ),
    )


def _truth(rng: np.random.Generator) -> Truth:
    steps = round(LENGTH_S / GRAIN_S)
    power_w = np.full(steps, IDLE_W)
    begin = 0
    while begin < steps:
        rest, burst = (round(rng.uniform(*span) / GRAIN_S) for span in ((0.02, 0.5), (0.03, 0.4)))
        busy = slice(begin + rest, min(begin + rest + burst, steps))
        ripple = WAVE_W * np.sin(np.arange(steps)[busy] * GRAIN_S * 2.0 * math.pi * 90.0)
        power_w[busy] = BUSY_W + ripple
        begin += rest + burst
    return Truth(np.concatenate(([0.0], np.cumsum(power_w * GRAIN_S))))


def _ledger(kind: Kind, truth: Truth) -> Ledger:
    period_s = max(kind.period_s, kind.look_s)  # as the sampled meter takes it
    info = SensorInfo("simulated", kind.name, period_s=period_s, resolution_j=kind.step_j)
    ledger = Ledger(info, faults=Faults(), idle_power_w=0.0)
    for sample in _samples(kind, truth):
        ledger.add(sample)
    return ledger


def _samples(kind: Kind, truth: Truth) -> Iterator[Sample]:
    for look in range(1, int(LENGTH_S / kind.look_s)):
        at_s = look * kind.look_s
        renewed_s = math.floor(at_s / kind.period_s + 1e-9) * kind.period_s
        if kind.counts:
            steps = math.floor(truth.at(renewed_s) / kind.step_j)
            yield Sample(at_s, counter_j=steps * kind.step_j)
        elif renewed_s >= kind.period_s:
            drawn_j = truth.at(renewed_s) - truth.at(renewed_s - kind.period_s)
            yield Sample(at_s, power_w=drawn_j / kind.period_s)


def _windows(
    ledger: Ledger, truth: Truth, window_s: float, count: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return (N, 3): error, bound and true energy of each window, J; NaN when unknown."""
    found = []
    for begin_s in rng.uniform(1.0, LENGTH_S - window_s - 1.0, count):
        spent = ledger.spent(begin_s, begin_s + window_s)
        true_j = truth.at(begin_s + window_s) - truth.at(begin_s)
        found.append((spent.gross_j - true_j, spent.error_j, true_j))
    return np.array(found)
