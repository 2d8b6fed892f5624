# SPDX-License-Identifier: Apache-2.0
"""Draws quality against energy, a line for each freedom that a plan has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coinfer_ros.evaluation.comparison.front import Setting
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.figures import canvas
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.evaluation.figures.budget_panels import QUALITY

_LOOKS = (
    (canvas.PURPLE, ":", "x"),
    (canvas.VERMILION, "--", "s"),
    (canvas.GREEN, "-.", "^"),
    (canvas.BLUE, "-", "o"),
)


def front_picture(
    name: str, fronts: Mapping[str, Sequence[Setting]], scores: Scores, title: str
) -> Artifact:
    """Draw each front as the stairs that it is: what an energy budget buys.

    :param name: of the file.
    :param fronts: by freedom.
    :raises Unavailable: when matplotlib is not here.
    """
    return canvas.png_artifact(
        name,
        lambda axes: _draw(axes[0][0], fronts, scores, title),
        rows=1,
        columns=1,
        width_in=7.6,
        height_in=4.2,
    )


def _draw(axis: Any, fronts: Mapping[str, Sequence[Setting]], scores: Scores, title: str) -> None:
    ends = [one.point.energy_j for found in fronts.values() for one in found]
    for (freedom, found), (colour, line, marker) in zip(fronts.items(), _LOOKS, strict=True):
        at = [one.point.energy_j for one in found]
        quality = [scores.estimate(one.coding).value for one in found]
        if at:
            at, quality = [*at, 1.1 * max(ends)], [*quality, quality[-1]]
        axis.step(at, quality, where="post", color=colour, ls=line, label=freedom)
        axis.plot(at[:-1], quality[:-1], color=colour, ls="", marker=marker)
    canvas.plain_logarithmic(axis)
    axis.set(xlabel="energy of an answer, J", ylabel=QUALITY, title=title)
    axis.legend(loc="lower right", title="free")
