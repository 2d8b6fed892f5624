# SPDX-License-Identifier: Apache-2.0
"""Shows a profile to people: a row a bit-width, at the highest clock that was measured."""

from __future__ import annotations

import math

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coinfer_ros.core.profile import SERVED, Profile


def show(profile: Profile) -> None:
    """Print what was measured on stdout."""
    console = Console()
    console.print(_times(profile))
    if profile.distortions:
        console.print(_errors(profile))
    for line in _notes(profile):
        console.print(Text(line), soft_wrap=True)


def _times(profile: Profile) -> Table:
    names = ["bits", "kernel", "p50, ms", "p90, ms", "p95, ms", "p99, ms", "J"]
    latency, energy = profile.latency, profile.energy
    table = _table(_title(profile), names)
    for row, bits in enumerate(profile.widths):
        percentiles = (latency.p50_s, latency.p90_s, latency.p95_s, latency.p99_s)
        table.add_row(
            str(bits),
            profile.kernels[row],
            *(f"{1e3 * each[row, -1]:.2f}" for each in percentiles),
            _pair(energy.mean_j[row, -1], energy.error_j[row, -1]),
        )
    return table


def _errors(profile: Profile) -> Table:
    columns = {
        f"weights, {one.quantizer}": (profile.weights.weight_rate * one.parameter, ".4f")
        for one in profile.distortions
    }
    for one in profile.distortions:
        if one.quantizer == SERVED:
            columns["embedding"] = (one.output_share, ".1%")
    if profile.quality.examples:
        columns["exact match"] = (profile.quality.exact_match, ".1%")
        columns["CIDEr"] = (profile.quality.cider, ".3f")
    table = _table("Errors", ["bits", *columns])
    for row, bits in enumerate(profile.widths):
        table.add_row(str(bits), *(_number(each[row], form) for each, form in columns.values()))
    return table


def _table(title: str, names: list[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in names:
        table.add_column(name, justify="left" if name == "kernel" else "right", overflow="fold")
    return table


def _title(profile: Profile) -> str:
    device = profile.device
    machine = device.mode if device.backend == "simulated" else device.processor
    gpu = f", {device.accelerator}" if device.accelerator else ""
    return f"{profile.model}, {profile.role}'s half on {machine}{gpu} ({device.backend})"


def _notes(profile: Profile) -> list[str]:
    sizes = ", ".join(f"{one.size_bytes} at {one.wire_bits} bits" for one in profile.wire)
    notes = [
        f"{profile.latency.samples} runs a setting, "
        + (
            "at the machine's own pace."
            if profile.own_pace
            else f"{len(profile.clocks_hz)} clocks; shown: {profile.clocks_hz[-1] / 1e6:g} MHz."
        ),
        f"Weights: λ = {profile.weights.weight_rate:.4g}, Kolmogorov-Smirnov distance "
        f"{profile.weights.ks:.3f}, {profile.weights.count} in {len(profile.layers)} tensors.",
        f"Embedding, bytes: {sizes}.",
    ]
    if profile.distortions:
        notes.append("Errors of weights are times λ; the embedding's is over its own L1 norm.")
    if not math.isnan(profile.tokens):
        notes.append(f"An answer has {profile.tokens:.1f} tokens in the mean.")
    if not math.isnan(profile.steepness):
        notes.append(
            f"The embedding's error is at most H = {profile.steepness:.3g} x the weights'."
        )
    if profile.metered:
        notes.append("J is one run above idle, and a bound of its error.")
    else:
        notes.append("J is not known: this machine has no meter here.")
    return notes


def _pair(value: float, error: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g} ± {error:.1g}"


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)
