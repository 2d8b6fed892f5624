# SPDX-License-Identifier: Apache-2.0
"""Draws quality over budgets: Figs 5 to 8 of arXiv 2602.13052, and what quantizers make of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from coinfer_ros.evaluation.comparison.points import Point
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.figures import canvas
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.evaluation.quality.coding import Coding, widths_of

QUALITY = "CIDEr, mean of held-out captions"
AXES = {"delay": "delay budget $T_0$, s", "energy": "energy budget $E_0$, J"}
HELD = {"delay": "$E_0$ = {:g} J", "energy": "$T_0$ = {:g} s"}
FIRST = ("exact", "nested, a width a layer")  # drawn above the others, with a band
# By method or quantizer: label, colour, line, marker.
METHODS = {
    "oracle": ("oracle", canvas.BLACK, ":", ""),
    "exact": ("joint design, exact", canvas.BLUE, "-", "o"),
    "sca": ("Algorithm 1, nearest", canvas.VERMILION, "--", "s"),
    "sca_feasible": ("Algorithm 1, nearest feasible", canvas.VERMILION, "-", ""),
    "ppo": ("PPO", canvas.GREEN, "-", "^"),
    "random": ("feasible random", canvas.PURPLE, "-.", "x"),
    "fixed_frequency": ("fixed frequency", canvas.SKY, "--", "v"),
    "all_on_robot": ("all on the robot", "#8a6d3b", "-", "<"),
    "all_on_edge": ("all on the edge", "#555555", "", "D"),
}
QUANTIZERS = {
    "uniform": ("uniform (paper)", canvas.VERMILION, "--", "s"),
    "power_of_two": ("power of two (paper)", canvas.PURPLE, "--", "x"),
    "uniform_l1": ("uniform, best step", canvas.SKY, "-.", "v"),
    "exponential": ("best table", canvas.GREEN, "-", "^"),
    "nested": ("nested codes", canvas.BLUE, "-", "o"),
    "nested, a width a layer": ("nested codes, a width a layer", canvas.BLACK, "-", "D"),
}


def budget_picture(name: str, points: Sequence[Point], looks: Mapping[str, Any]) -> Artifact:
    """Draw quality over the delay budget and over the energy budget.

    :param name: of the file.
    :param points: of one scenario, both sweeps; lines are told apart by ``line``.
    :param looks: ``METHODS`` or ``QUANTIZERS``.
    :raises Unavailable: when matplotlib is not here.
    """
    return canvas.png_artifact(
        name,
        lambda axes: _budgets(axes[0], points, looks),
        rows=1,
        columns=2,
        width_in=10.2,
        height_in=4.4,
    )


def bits_picture(name: str, scores: Mapping[str, Scores]) -> Artifact:
    """Draw quality over the bit-width for every quantizer, a panel a model.

    :param name: of the file.
    :param scores: by a panel's title.
    :raises Unavailable: when matplotlib is not here.
    """
    return canvas.png_artifact(
        name,
        lambda axes: _bits(axes[0], scores),
        rows=1,
        columns=len(scores),
        width_in=10.2,
        height_in=4.0,
    )


def _budgets(axes: Any, points: Sequence[Point], looks: Mapping[str, Any]) -> None:
    for axis, kind in zip(axes, AXES, strict=True):
        ours = [point for point in points if point.sweep.axis == kind]
        for line, look in looks.items():
            _line(axis, [point for point in ours if point.line == line], look)
        held = ours[0].sweep.scenario.budget
        other = held.energy_j if kind == "delay" else held.delay_s
        axis.set(xlabel=AXES[kind], title=HELD[kind].format(other), ylim=(-0.2, None))
        if kind == "energy":
            canvas.plain_logarithmic(axis)
    axes[0].set_ylabel(QUALITY)
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _line(axis: Any, points: Sequence[Point], look: tuple[str, str, str, str]) -> None:
    """Draw one line; what breaks a budget is an open marker beside it, no plan a gap."""
    label, colour, line, marker = look
    if not points:
        return
    at = np.array([_budget_of(point) for point in points])
    first = points[0].line in FIRST
    style = {"color": colour, "ls": line, "marker": marker, "zorder": 4 if first else 2}
    axis.plot(at, [_value(point.quality) for point in points], label=label, **style)
    if first:
        low, high = (
            [math.nan if p.quality is None else getattr(p.quality, end) for p in points]
            for end in ("low", "high")
        )
        axis.fill_between(at, low, high, color=colour, alpha=0.15, lw=0)
    broken = [_budget_of(point) for point in points if point.choice.broken]
    if broken:
        axis.plot(
            broken,
            np.zeros(len(broken)),
            ls="",
            marker=marker or "s",
            mfc="none",
            mec=colour,
            clip_on=False,
        )


def _bits(axes: Any, scores: Mapping[str, Scores]) -> None:
    for axis, (title, found) in zip(axes, scores.items(), strict=True):
        for quantizer, (label, colour, line, marker) in QUANTIZERS.items():
            if quantizer not in ("nested, a width a layer",):
                low, high = widths_of(quantizer)
                tried = [Coding(quantizer, bits) for bits in range(low, min(high, 8) + 1)]
            else:
                tried = _allocated(found)
            tried = [coding for coding in tried if coding.name in found.each]
            ends = [found.estimate(coding) for coding in tried]
            bars = np.array([[e.value - e.low for e in ends], [e.high - e.value for e in ends]])
            axis.errorbar(
                [coding.bits for coding in tried],
                [end.value for end in ends],
                np.maximum(bars, 0.0) if ends else None,
                color=colour,
                ls=line,
                marker=marker,
                lw=1.2,
                label=label,
            )
        whole = found.estimate(Coding("uniform", 16))
        axis.axhline(whole.value, color="#777777", lw=0.8, ls=":", label="as stored")
        axis.set(xlabel="bits a weight, robot's half", title=title)
    axes[0].set_ylabel(QUALITY)
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _allocated(found: Scores) -> list[Coding]:
    every = [Coding("nested", round(0.05 * n, 2), allocated=True) for n in range(40, 161)]
    return [coding for coding in every if coding.name in found.each]


def _budget_of(point: Point) -> float:
    budget = point.choice.budget
    return budget.delay_s if point.sweep.axis == "delay" else budget.energy_j


def _value(quality: Estimate | None) -> float:
    return math.nan if quality is None else quality.value
