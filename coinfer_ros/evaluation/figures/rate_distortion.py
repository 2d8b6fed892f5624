# SPDX-License-Identifier: Apache-2.0
"""Fig. 4 of arXiv 2602.13052: the two bounds on D(R), with the exact curve that it computed.

Beyond the paper: the exact D(R) and the best table of 2^R values, both in closed form
(docs/theory.md, 1 and 2), and every curve over D(R), where the paper's absolute axis hides that the
upper bound stays a factor 2 away. Distortions are for λ = 1, that is relative to the mean
magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.blahut_arimoto import blahut_arimoto
from coinfer_ros.evaluation.figures import canvas
from coinfer_ros.evaluation.figures.artifact import Artifact, csv_artifact

RATES_BITS = tuple(np.linspace(0.0, 8.0, 161).tolist())
BLAHUT_ARIMOTO_BITS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
STEP, END = 0.1, 14.0  # a grid's step in reciprocal slopes, its end in mean magnitudes
TOLERANCE_BITS = 1e-3  # a tenth of it takes ten times as long and moves no point by its width
CURVES = ("upper", "scalar_optimal", "exact", "lower")
_DRAWN = {
    "upper": ("upper bound $D^U$", canvas.VERMILION, "--"),
    "scalar_optimal": ("best table of $2^R$ values", canvas.GREEN, "-."),
    "exact": ("exact $D(R)$", canvas.BLACK, "-"),
    "lower": ("lower bound $D^L$", canvas.BLUE, ":"),
}


@dataclass(frozen=True)
class Computed:
    """A point of D(R) that Blahut-Arimoto found.

    :param slope: the Lagrange multiplier s that it was found at, nats a unit of distortion.
    :param rate_bits: R, bits a magnitude.
    :param distortion: D for λ = 1.
    """

    slope: float
    rate_bits: float
    distortion: float

    @property
    def ratio(self) -> float:
        """Its distortion over the exact one of the same rate."""
        return self.distortion / rate_distortion.exact(self.rate_bits)


def curves(rates_bits: Sequence[float]) -> dict[str, NDArray[np.float64]]:
    """Return each curve of Fig. 4 by name.

    :param rates_bits: (N,) rates R from 0, bits a magnitude.
    :returns: distortions (N,) for λ = 1; the upper bound is inf at R = 0.
    :raises InvalidInput: when a rate is out of range.
    """
    rates = np.asarray(rates_bits, np.float64)
    return {name: getattr(rate_distortion, name)(rates) for name in CURVES}


def compute(rate_bits: float) -> Computed:
    """Run Blahut-Arimoto at the slope that the exact D(R) has at a rate: s = 2^(R+1) - 1.

    :param rate_bits: R that the point should lie near, bits a magnitude.
    """
    slope = 2.0 ** (rate_bits + 1.0) - 1.0
    point = blahut_arimoto(slope, step=STEP / slope, end=END, tolerance=TOLERANCE_BITS)
    return Computed(slope, point.rate_bits, point.distortion)


def artifacts(
    *,
    rates_bits: Sequence[float] = RATES_BITS,
    computed_bits: Sequence[float] = BLAHUT_ARIMOTO_BITS,
    progress: Callable[[float], None] = lambda _: None,
) -> list[Artifact]:
    """Return the picture, its curves and the points of Blahut-Arimoto.

    :param rates_bits: (N,) rates of the curves.
    :param computed_bits: rates that points are computed near.
    :param progress: gets the share that is done.
    :raises Unavailable: when matplotlib is not here.
    :raises InvalidInput: when a rate is out of range.
    """
    points = []
    for done, rate in enumerate(computed_bits, start=1):
        points.append(compute(rate))
        progress(done / (len(computed_bits) + 1))
    found = curves(rates_bits)
    picture = canvas.png_artifact(
        "fig4-rate-distortion.png",
        lambda axes: _draw(axes[0], rates_bits, found, points),
        rows=1,
        columns=2,
        width_in=8.4,
        height_in=3.7,
    )
    progress(1.0)
    return [picture, _curves_csv(rates_bits, found), _points_csv(points)]


def _curves_csv(rates_bits: Sequence[float], found: dict[str, NDArray[np.float64]]) -> Artifact:
    columns = ["rate_bits", *(f"{name}_times_weight_rate" for name in CURVES)]
    rows = zip(rates_bits, *(found[name].tolist() for name in CURVES), strict=True)
    return csv_artifact("fig4-curves.csv", columns, rows)


def _points_csv(points: Sequence[Computed]) -> Artifact:
    return csv_artifact(
        "fig4-blahut-arimoto.csv",
        ["slope", "rate_bits", "distortion_times_weight_rate", "over_exact"],
        [(point.slope, point.rate_bits, point.distortion, point.ratio) for point in points],
    )


def _draw(
    axes: Any,
    rates_bits: Sequence[float],
    found: dict[str, NDArray[np.float64]],
    points: Sequence[Computed],
) -> None:
    absolute, ratio = axes
    for name, (label, colour, line) in _DRAWN.items():
        finite = np.where(np.isinf(found[name]), math.nan, found[name])
        absolute.plot(rates_bits, finite, line, color=colour, label=label)
        ratio.plot(rates_bits, finite / found["exact"], line, color=colour)
    rates = [point.rate_bits for point in points]
    marked = {"marker": "o", "ls": "", "mfc": "none", "mec": canvas.PURPLE, "mew": 1.4, "ms": 6}
    absolute.plot(rates, [p.distortion for p in points], label="Blahut-Arimoto", **marked)
    ratio.plot(rates, [point.ratio for point in points], **marked)
    absolute.set(yscale="log", ylabel="distortion λ·D (mean error / mean magnitude)")
    absolute.set(ylim=(1e-3, 4.0), title="Distortion of a magnitude")
    absolute.legend(loc="upper right")
    ratio.set(ylim=(0.5, 3.0), ylabel="distortion / exact D(R)", title="The same, over the exact")
    for axis in axes:
        axis.set(xlim=(-0.15, 8.15), xlabel="rate R, bits a magnitude (bit-width b = R + 1)")
