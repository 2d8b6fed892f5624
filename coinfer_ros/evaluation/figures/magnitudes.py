# SPDX-License-Identifier: Apache-2.0
"""Fig. 2 of arXiv 2602.13052: how weight magnitudes are distributed, against the laws fitted.

The paper shows histograms and says that the exponential law matches closely, without a number. Here
each model carries the law's rate with its standard error, and how far it, a Gaussian's and a
gamma's are from what was counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters.checkpoint_magnitudes import TensorMagnitudes
from coinfer_ros.core.distribution import Fit, Law, density, fit
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.magnitudes import Magnitudes
from coinfer_ros.evaluation.figures.artifact import Artifact, Cell, csv_artifact

CELL = 0.1  # width of a histogram's cell, in mean magnitudes
END = 20.0  # where a histogram ends at the latest, in mean magnitudes
LAWS = ("exponential", "half_normal", "gamma")


@dataclass(frozen=True)
class TensorFit:
    """The laws fitted to one tensor, or to all of a model's together.

    :param name: the tensor's name.
    :param fit: what was fitted.
    """

    name: str
    fit: Fit


@dataclass(frozen=True)
class Model:
    """The magnitudes of one model.

    :param title: what the panel is called.
    :param tensors: the laws of each of its tensors.
    :param whole: those of all of them together.
    :param magnitudes: all of them, counted.
    """

    title: str
    tensors: tuple[TensorFit, ...]
    whole: TensorFit
    magnitudes: Magnitudes


@dataclass(frozen=True)
class Histogram:
    """What one panel shows.

    :param edges: (C + 1,) edges of the cells, weight units.
    :param measured: (C,) densities of the weights, 1/weight unit.
    :param laws: (C,) mean densities of each law in each cell by its name, 1/weight unit.
    """

    edges: NDArray[np.float64]
    measured: NDArray[np.float64]
    laws: dict[str, NDArray[np.float64]]


def summarize(
    title: str,
    tensors: Iterable[TensorMagnitudes],
    progress: Callable[[], None] = lambda: None,
) -> Model:
    """Fit every tensor as it comes and keep only the sum, so that memory stays bounded.

    :param title: what the panel is called.
    :param tensors: the model's tensors.
    :param progress: called after each.
    :raises InvalidInput: when there is no tensor, or nothing but zeros.
    """
    fits, total = [], Magnitudes()
    for tensor in tensors:
        if tensor.magnitudes.count:
            fits.append(TensorFit(tensor.name, fit(tensor.magnitudes)))
            total = total.merge(tensor.magnitudes)
        progress()
    if total.count == total.zeros:
        raise InvalidInput(f"{title} must hold a weight that is not 0 in a matrix, got none")
    return Model(title, tuple(fits), TensorFit("all", fit(total)), total)


def histogram(model: Model) -> Histogram:
    """Return the histogram of a model and its laws, to a cell past its greatest weight or 20 means.

    The cell is for the greatest bin, whose middle may lie behind the weight itself.
    """
    mean = 1.0 / model.whole.fit.exponential.law.rate
    cells = math.ceil(min(model.magnitudes.greatest / mean, END) / CELL) + 1
    edges = np.asarray(CELL * mean * np.arange(cells + 1), np.float64)
    laws = {name: _mean_density(law, edges) for name, law in _laws(model.whole.fit).items()}
    return Histogram(edges, density(model.magnitudes, edges), laws)


def tables(models: Sequence[Model]) -> list[Artifact]:
    """Return every number of the figure: the histograms, and the laws of every tensor."""
    names = [f"{law}_per_weight_unit" for law in LAWS]
    return [
        csv_artifact(
            "fig2-histograms.csv",
            ["model", "low_weight_unit", "high_weight_unit", "density_per_weight_unit", *names],
            (row for model in models for row in _histogram_rows(model)),
        ),
        csv_artifact(
            "fig2-tensors.csv",
            [
                *("model", "tensor", "count", "zeros", "weight_rate", "standard_error"),
                *(f"ks_{law}" for law in LAWS),
            ],
            (_row(model, one) for model in models for one in (*model.tensors, model.whole)),
        ),
    ]


def _laws(found: Fit) -> dict[str, Law]:
    laws: dict[str, Law] = {
        "exponential": found.exponential.law,
        "half_normal": found.half_normal.law,
    }
    return laws | ({"gamma": found.gamma.law} if found.gamma else {})


def _mean_density(law: Law, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average a law's density over each cell: the gamma's may be infinite at 0."""
    return np.diff(law.cumulative(edges)) / np.diff(edges)


def _histogram_rows(model: Model) -> Iterable[list[Cell]]:
    found = histogram(model)
    none = np.full(len(found.measured), math.nan)
    columns = [
        found.edges[:-1],
        found.edges[1:],
        found.measured,
        *(found.laws.get(law, none) for law in LAWS),
    ]
    return ([model.title, *row] for row in np.column_stack(columns).tolist())


def _row(model: Model, one: TensorFit) -> list[Cell]:
    found = one.fit
    law = found.exponential.law
    gamma = found.gamma.distance.middle if found.gamma else math.nan
    return [
        *(model.title, one.name, found.count, found.zeros, law.rate, law.rate_error),
        *(found.exponential.distance.middle, found.half_normal.distance.middle, gamma),
    ]
