# SPDX-License-Identifier: Apache-2.0
"""Draws a frontier: energy over delay, a curve a bit-width, the budgets and the plan."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from coinfer_ros.core import widths
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer import Point
from coinfer_ros.evaluation.figures import canvas
from coinfer_ros.tools.solving.question import Asked, halves

# Narrow is light, wide is dark, in print without colour too; the lightest of all is lost on white.
_COLOURS, _LIGHTEST = "viridis", 0.85
_MARKERS = "osD^vP"
_FEW = 16  # settings of a curve up to which each gets a marker
_BEYOND = 4.0  # how many times a budget is shown
_MARGIN = 1.12
_ROOM = 0.03  # share of the picture that a number takes


def draw(asked: Asked, curves: Sequence[Point], plan: Point | None) -> bytes:
    """Return the picture as PNG.

    :param curves: the frontier without budgets, rising in width, then in delay.
    :param plan: the setting that is planned, if any.
    :raises Unavailable: when matplotlib is not here.
    """
    return canvas.png_artifact(
        "frontier.png",
        lambda axes: _draw(axes[0, 0], asked, curves, plan),
        rows=1,
        columns=1,
        width_in=7.6,
        height_in=5.0,
    ).content


def _draw(axis: Any, asked: Asked, curves: Sequence[Point], plan: Point | None) -> None:
    _set_view(axis, curves, asked.problem.budget)
    groups = itertools.groupby(curves, key=lambda point: point.bits)
    by_width = {bits: list(points) for bits, points in groups}
    for place, (bits, points) in enumerate(by_width.items()):
        colour = _LIGHTEST * (1.0 - place / max(len(by_width) - 1, 1))
        _draw_curve(axis, points, bits, colour=colour, marker=_MARKERS[place % len(_MARKERS)])
    _name_curves(axis, by_width)
    _draw_budget(axis, asked.problem.budget)
    if plan is not None:
        star = {"marker": "*", "mfc": canvas.VERMILION, "mec": canvas.BLACK, "ms": 15, "zorder": 5}
        label = f"plan: {widths.name(plan.bits)}"
        axis.plot(plan.delay_s, plan.energy_j, ls="", label=label, **star)
    without = f", without {halves(asked.unmetered)}" if asked.unmetered else ""
    axis.set(xlabel="delay of an answer, s", ylabel=f"energy of an answer{without}, J")
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _set_view(axis: Any, curves: Sequence[Point], budget: Budget) -> None:
    """Show what lies within a few times the budgets, on logarithmic axes."""
    most_s, most_j = _BEYOND * budget.delay_s, _BEYOND * budget.energy_j
    near = [point for point in curves if point.delay_s <= most_s and point.energy_j <= most_j]
    shown = near or curves
    axis.set(
        xscale="log",
        yscale="log",
        xlim=_limits([point.delay_s for point in shown], budget.delay_s),
        ylim=_limits([point.energy_j for point in shown], budget.energy_j),
    )
    for scale, (low, high) in ((axis.xaxis, axis.get_xlim()), (axis.yaxis, axis.get_ylim())):
        scale.set_major_locator(_ticks(low, high))
        scale.set_major_formatter("{x:g}")
        scale.set_minor_formatter("")


def _limits(values: Sequence[float], budget: float) -> tuple[float, float]:
    there = [value for value in (*values, budget) if 0.0 < value < math.inf]
    return min(there, default=1.0) / _MARGIN, max(there, default=1.0) * _MARGIN


def _ticks(low: float, high: float) -> Any:
    from matplotlib.ticker import LogLocator  # noqa: PLC0415

    return LogLocator(subs=(1.0, 2.0, 5.0) if high < 300.0 * low else (1.0,))


def _draw_curve(
    axis: Any, points: Sequence[Point], bits: int, *, colour: float, marker: str
) -> None:
    """Draw one width: a staircase, for there is nothing between two settings."""
    axis.plot(
        [point.delay_s for point in points],
        [point.energy_j for point in points],
        drawstyle="steps-post",
        color=canvas.matplotlib().colormaps[_COLOURS](colour),
        marker=marker if len(points) <= _FEW else "",
        label=widths.name(bits),
    )


def _name_curves(axis: Any, by_width: Mapping[int, Sequence[Point]]) -> None:
    """Write the bits at the fast end of each curve, where there is room."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    taken: list[tuple[float, float]] = []
    for bits, points in by_width.items():
        shown = [p for p in points if left < p.delay_s < right and low < p.energy_j < high]
        if not shown:
            continue
        end = shown[0]
        share = (
            math.log(end.delay_s / left) / math.log(right / left),
            math.log(end.energy_j / low) / math.log(high / low),
        )
        if all(math.dist(share, other) > _ROOM for other in taken):
            taken.append(share)
            offset = {"textcoords": "offset points", "xytext": (-4, -3), "ha": "right"}
            axis.annotate(f"{bits}", (end.delay_s, end.energy_j), fontsize=8.5, **offset)


def _draw_budget(axis: Any, budget: Budget) -> None:
    """Draw the budgets as lines, and grey over what breaks them."""
    grey = {"color": "#777777", "alpha": 0.14, "lw": 0, "zorder": 0}
    line = {"color": canvas.BLACK, "lw": 1.3}
    if budget.delay_s != math.inf:
        axis.axvspan(budget.delay_s, axis.get_xlim()[1], **grey)
        axis.axvline(budget.delay_s, ls="--", label=f"deadline {budget.delay_s:g} s", **line)
    if budget.energy_j != math.inf:
        axis.axhspan(budget.energy_j, axis.get_ylim()[1], **grey)
        label = f"energy budget {budget.energy_j:g} J"
        axis.axhline(budget.energy_j, ls="-.", label=label, **line)
