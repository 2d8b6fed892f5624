# SPDX-License-Identifier: Apache-2.0
"""Draws the histograms of Fig. 2: the bulk as the paper shows it, the tail on a log axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from coinfer_ros.core.distribution import Fit
from coinfer_ros.evaluation.figures import canvas
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.figures.magnitudes import Histogram, Model, histogram
from coinfer_ros.evaluation.figures.rounding import with_error

ACROSS = 3  # models side by side
TITLE_LENGTH = 28
BULK = 5.0  # where the upper panel ends, in mean magnitudes
_DRAWN = {
    "exponential": ("exponential", canvas.VERMILION, "-"),
    "half_normal": ("half-normal", canvas.BLUE, "--"),
    "gamma": ("gamma", canvas.GREEN, "-."),
}


def picture(models: Sequence[Model]) -> Artifact:
    """Draw two panels a model, one above the other.

    :param models: one or more, three side by side.
    :raises Unavailable: when matplotlib is not here.
    """
    columns = min(ACROSS, len(models))
    bands = -(-len(models) // columns)
    return canvas.png_artifact(
        "fig2-magnitudes.png",
        lambda axes: _draw(axes, models),
        rows=2 * bands,
        columns=columns,
        width_in=max(2.9 * columns, 4.0),
        height_in=4.9 * bands,
    )


def _draw(axes: Any, models: Sequence[Model]) -> None:
    rows, columns = axes.shape
    for place in range(rows * columns // 2):
        band, column = divmod(place, columns)
        bulk, tail = axes[2 * band, column], axes[2 * band + 1, column]
        if place >= len(models):
            bulk.set_axis_off()
            tail.set_axis_off()
            continue
        shown = histogram(models[place])
        _draw_histogram(bulk, shown)
        _draw_histogram(tail, shown)
        _finish(bulk, tail, models[place], shown)
        if column == 0:
            bulk.set_ylabel("density, 1/weight unit")
            tail.set_ylabel("the same, log scale")
    axes[1, 0].legend(loc="upper right")


def _draw_histogram(axis: Any, shown: Histogram) -> None:
    middles = 0.5 * (shown.edges[:-1] + shown.edges[1:])
    axis.stairs(shown.measured, shown.edges, fill=True, color="#BDBDBD", label="measured")
    for name, values in shown.laws.items():
        label, colour, line = _DRAWN[name]
        axis.plot(middles, values, line, color=colour, label=label)


def _finish(bulk: Any, tail: Any, model: Model, shown: Histogram) -> None:
    mean = 1.0 / model.whole.fit.exponential.law.rate
    highest = max(shown.measured.max(), shown.laws["exponential"].max())
    bulk.set(xlim=(0, BULK * mean), ylim=(0, 1.08 * highest))
    bulk.set_title(_fitting(model.title), parse_math=False)  # a folder's name may hold a $
    bulk.text(0.97, 0.97, _caption(model.whole.fit), transform=bulk.transAxes, ha="right", va="top")
    lowest = shown.measured[shown.measured > 0].min()
    tail.set(yscale="log", ylim=(0.3 * lowest, 3.0 * highest), xlim=(0, float(np.max(shown.edges))))
    tail.set(xlabel="magnitude |w|, weight units")


def _fitting(title: str) -> str:
    """Return a title without its middle where it is too long for a panel."""
    if len(title) <= TITLE_LENGTH:
        return title
    half = TITLE_LENGTH // 2
    return f"{title[: half - 1]}…{title[-half:]}"


def _caption(found: Fit) -> str:
    law = found.exponential.law
    lines = [
        f"λ = {with_error(law.rate, law.rate_error)}",
        "KS distance",
        f"exponential {found.exponential.distance.middle:.3f}",
        f"half-normal {found.half_normal.distance.middle:.3f}",
    ]
    if found.gamma:
        lines.append(f"gamma {found.gamma.distance.middle:.3f}")
    return "\n".join(lines)
