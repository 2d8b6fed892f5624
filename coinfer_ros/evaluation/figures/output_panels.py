# SPDX-License-Identifier: Apache-2.0
"""Draws Fig. 3: a row for each model, a column for each quantizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coinfer_ros.evaluation.figures import canvas
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.figures.output_distortion import Curve, Reals

_TITLES = {
    "uniform": "uniform",
    "power_of_two": "power of two",
    "exponential": "exponential table (ours)",
}


def picture(found: Sequence[Curve]) -> Artifact:
    """Draw measured output and scaled bound, both over the norm of the full-precision output.

    :param found: every quantizer of the first model, then those of the next.
    :raises Unavailable: when matplotlib is not here.
    """
    models = list(dict.fromkeys(curve.model for curve in found))
    columns = len(found) // len(models)
    return canvas.png_artifact(
        "fig3-output-distortion.png",
        lambda axes: _draw(axes, found),
        rows=len(models),
        columns=columns,
        width_in=2.9 * columns,
        height_in=2.7 * len(models),
    )


def _draw(axes: Any, found: Sequence[Curve]) -> None:
    for axis, curve in zip(axes.flat, found, strict=True):
        _draw_curve(axis, curve)
    for axis, curve in zip(axes[0], found, strict=False):
        axis.set_title(_TITLES.get(curve.quantizer, curve.quantizer), parse_math=False)
    for axis in axes[-1]:
        axis.set_xlabel("bit-width b, bits a weight")
    for row, curve in zip(axes, found[:: axes.shape[1]], strict=True):
        row[0].set_ylabel(f"{curve.model}\noutput error / output, L1", parse_math=False)
        low, high = zip(*(axis.get_ylim() for axis in row), strict=True)
        for axis in row:
            axis.set_ylim(min(low) / 3.0, max(high))  # room for the words
    axes[0, min(1, axes.shape[1] - 1)].legend(loc="center right", bbox_to_anchor=(1.0, 0.42))


def _draw_curve(axis: Any, curve: Curve) -> None:
    measured, bound = curve.measured / curve.norm, curve.bound / curve.norm
    axis.plot(curve.widths, bound, "--s", color=canvas.VERMILION, label="bound H·‖W − Ŵ‖₁")
    axis.plot(curve.widths, measured, "-o", color=canvas.BLUE, label="output, mean of inputs")
    axis.fill_between(
        curve.widths,
        measured,
        curve.greatest / curve.norm,
        color=canvas.SKY,
        alpha=0.4,
        lw=0,
        label="up to the worst input",
    )
    axis.set(yscale="log", xticks=curve.widths)
    text = f"bound within 2×\nof mean: {_tight(curve, curve.measured)}"
    text += f"\nof worst: {_tight(curve, curve.greatest)}"
    axis.text(0.03, 0.03, text, transform=axis.transAxes, ha="left", va="bottom", fontsize=8.5)


def _tight(curve: Curve, output: Reals) -> str:
    bits = curve.tight_from_bits(output)
    return f"from {bits} bits" if bits else f"not at {curve.widths[-1]} bits"
