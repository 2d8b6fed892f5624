# SPDX-License-Identifier: Apache-2.0
"""Draws each sweep: how much is found, how soon, and why the rest is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.sim.task.record import Outcome
from coinfer_ros.tools.simulating.results import Result

_COLOURS = ("#1f6fb4", "#c8553d", "#3b7a57", "#6a4c93")
_CAUSES = {
    Outcome.MISREAD: "#b8860b",
    Outcome.COLLIDED: "#c8553d",
    Outcome.TIMED_OUT: "#8a8a8a",
}
_HEIGHTS = (3.0, 2.5, 1.5, 1.5)  # of found, time, energy and over budget, inches
_AXES = {
    "delay": "delay budget, s",
    "energy": "energy budget of an answer, J",
    "bits": "bits a weight, robot's half",
    "link": "link",
}


def draw(found: Sequence[Result], sweep: str, path: Path) -> None:
    """Draw one sweep as a PNG.

    :param found: its results.
    """
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    lines = list(dict.fromkeys(result.case.line for result in found))
    places = list(dict.fromkeys(result.case.at for result in found))
    heights = [*_HEIGHTS, *[1.3] * len(lines)]
    figure, axes = plt.subplots(
        len(heights),
        1,
        figsize=(8.5, sum(heights)),
        sharex=True,
        layout="constrained",
        height_ratios=heights,
    )
    for number, line in enumerate(lines):
        ours = [result for result in found if result.case.line == line]
        at = np.array([places.index(result.case.at) for result in ours])
        aside = at + 0.06 * (number - (len(lines) - 1) / 2)
        style = {"color": _COLOURS[number], "label": line}
        _with_intervals(axes[0], aside, [result.found for result in ours], 100.0, style)
        _with_intervals(axes[1], aside, [result.time_s for result in ours], 1.0, style)
        axes[2].plot(aside, [result.answer_j for result in ours], "o-", ms=4, **style)
        axes[3].plot(aside, [100 * result.over_budget for result in ours], "o-", ms=4, **style)
        _causes(axes[len(_HEIGHTS) + number], at, ours)
    _name(axes, found[0].limit_s)
    axes[-1].set_xticks(range(len(places)), labels=places)
    axes[-1].set_xlabel(_AXES[sweep])
    figure.suptitle(f"{len(found[0].records)} episodes a point, bars of 95 %; simulated machines")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _name(axes: Any, limit_s: float) -> None:
    axes[0].set_ylabel("found, % of episodes")
    axes[0].set_ylim(-3, 103)
    axes[1].set_ylabel(f"time to find it, s\n(not found: {limit_s:g} s)")
    axes[1].set_ylim(bottom=0)
    axes[2].set_ylabel("energy of\na request, J")
    axes[2].set_yscale("log")
    axes[3].set_ylabel("requests over\na budget, %")
    axes[3].set_ylim(-3, 103)
    for axis in axes[: len(_HEIGHTS)]:
        axis.grid(axis="y", alpha=0.3)
    for axis in (axes[0], axes[len(_HEIGHTS)]):
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _with_intervals(
    axis: Any, at: Any, estimates: Sequence[Estimate], scale: float, style: dict[str, str]
) -> None:
    values, low, high = (
        scale * np.array([getattr(estimate, end) for estimate in estimates])
        for end in ("value", "low", "high")
    )
    bars = np.maximum([values - low, high - values], 0.0)
    axis.errorbar(at, values, bars, marker="o", ms=4, capsize=3, **style)


def _causes(axis: Any, at: Any, ours: Sequence[Result]) -> None:
    """Stack the shares of episodes that found nothing, by how they ended."""
    bottom = np.zeros(len(ours))
    for outcome, colour in _CAUSES.items():
        shares = np.array([100 * r.count(outcome) / len(r.records) for r in ours])
        axis.bar(at, shares, 0.6, bottom, color=colour, label=outcome.value)
        bottom += shares
    axis.set_ylim(0, 100)
    axis.set_ylabel("not found, %")
    axis.set_title(ours[0].case.line, fontsize="small", loc="left")
