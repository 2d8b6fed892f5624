# SPDX-License-Identifier: Apache-2.0
"""Fig. 3 of arXiv 2602.13052: the output's error, and the weights' error scaled to bound it.

H is the least constant that bounds every measurement, so the scaled curve lies above the measured
one by construction, and what the figure shows is by how much. Every tensor has one scale: the
theory has one λ for all weights, and a scale a channel would be further from it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters.module_distortion import Measurement
from coinfer_ros.core.distortion import empirical_constant
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures.artifact import Artifact, Cell, csv_artifact

QUANTIZERS = ("uniform", "power_of_two", "exponential")
WIDTHS = tuple(range(2, 11))
TIGHT = 2.0  # what counts as close to the bound

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """One quantizer on one model, B widths, N inputs; L1 errors throughout.

    :param model: what the panel is called.
    :param quantizer: its name.
    :param widths: (B,) bit-widths.
    :param parameter: (B,) ‖W - Ŵ‖₁, weight units.
    :param output: (N, B) ‖f(x, W) - f(x, Ŵ)‖₁, units of the output.
    :param norm: mean over inputs of ‖f(x, W)‖₁, units of the output.
    """

    model: str
    quantizer: str
    widths: tuple[int, ...]
    parameter: Reals
    output: Reals
    norm: float

    @property
    def coefficient(self) -> float:
        """H of arXiv 2602.13052, eq. (17), from the data: output units a weight unit."""
        return empirical_constant(self.output, self.parameter)

    @property
    def measured(self) -> Reals:
        """Mean over inputs of the output's error (B,)."""
        return np.asarray(self.output.mean(axis=0))

    @property
    def greatest(self) -> Reals:
        """Greatest of all inputs' errors (B,)."""
        return np.asarray(self.output.max(axis=0))

    @property
    def bound(self) -> Reals:
        """What no input's error exceeds, H·‖W - Ŵ‖₁ (B,)."""
        return self.coefficient * self.parameter

    def tight_from_bits(self, output: Reals) -> int | None:
        """Return the least width from which on the bound is within a factor 2 of an output.

        :param output: (B,) ``measured`` or ``greatest``, units of the output.
        :returns: None where the widest width is not.
        """
        loose = np.flatnonzero(self.bound > TIGHT * output)
        first = 0 if loose.size == 0 else int(loose[-1]) + 1
        return self.widths[first] if first < len(self.widths) else None


def curves(model: str, measurements: Sequence[Measurement]) -> list[Curve]:
    """Sort measurements by quantizer.

    :param model: what the panel is called.
    :param measurements: all of the same inputs.
    :raises InvalidInput: when there is none.
    """
    if not measurements:
        raise InvalidInput("measurements must hold at least one, got none")
    names = dict.fromkeys(one.quantizer for one in measurements)
    return [_curve(model, name, [m for m in measurements if m.quantizer == name]) for name in names]


def tables(found: Sequence[Curve]) -> list[Artifact]:
    """Return every number of the figure, and each curve's constant."""
    return [
        csv_artifact(
            "fig3-output-distortion.csv",
            [
                *("model", "quantizer", "bits", "parameter_l1_weight_unit"),
                *("output_l1_mean", "output_l1_greatest", "bound_l1", "output_l1_norm"),
            ],
            (row for curve in found for row in _rows(curve)),
        ),
        csv_artifact(
            "fig3-coefficients.csv",
            [
                *("model", "quantizer", "granularity", "coefficient_per_weight_unit"),
                *("within_factor_2_of_mean_from_bits", "within_factor_2_of_greatest_from_bits"),
            ],
            (
                (
                    *(one.model, one.quantizer, "one scale a tensor", one.coefficient),
                    *(one.tight_from_bits(y) or math.nan for y in (one.measured, one.greatest)),
                )
                for one in found
            ),
        ),
    ]


def _curve(model: str, quantizer: str, measurements: Sequence[Measurement]) -> Curve:
    return Curve(
        model,
        quantizer,
        widths=tuple(one.bits for one in measurements),
        parameter=np.array([one.distortion.parameter.total for one in measurements]),
        output=np.stack([one.distortion.output for one in measurements], axis=1),
        norm=float(measurements[0].distortion.reference.mean()),
    )


def _rows(curve: Curve) -> list[list[Cell]]:
    numbers = np.column_stack([curve.parameter, curve.measured, curve.greatest, curve.bound])
    return [
        [curve.model, curve.quantizer, bits, *row, curve.norm]
        for bits, row in zip(curve.widths, numbers.tolist(), strict=True)
    ]
