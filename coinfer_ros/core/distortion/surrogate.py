# SPDX-License-Identifier: Apache-2.0
"""The weights' L1 error as a stand-in for the output's, and the constant between the two."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from coinfer_ros.core import checks
from coinfer_ros.core.arrays import finite, nonnegative
from coinfer_ros.core.errors import InvalidInput


@dataclass(frozen=True)
class ParameterDistortion:
    """The L1 error of q weights, arXiv 2602.13052, eq. (15).

    :param total: ‖W - Ŵ‖₁ = Σ|w - ŵ|, weight units.
    :param count: weights q, at least 1.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    total: float
    count: int

    def __post_init__(self) -> None:
        checks.number("total", self.total, low=0.0)
        checks.whole("count", self.count, low=1, high=2**62)

    @property
    def mean(self) -> float:
        """Mean absolute error of one weight, weight units: the D of the rate-distortion bounds."""
        return self.total / self.count


def parameter_distortion(weights: ArrayLike, quantized: ArrayLike) -> ParameterDistortion:
    """Measure ‖W - Ŵ‖₁, the surrogate of the output's error, arXiv 2602.13052, eq. (15).

    :param weights: W of any shape, not empty, finite.
    :param quantized: Ŵ in the same shape, finite.
    :raises InvalidInput: when an argument breaks its rule, or the error overflows.

    >>> parameter_distortion([1.0, -0.5], [1.0, -0.25]).mean
    0.125
    """
    before, after = finite("weights", weights), finite("quantized", quantized)
    if before.shape != after.shape or before.size == 0:
        raise InvalidInput(
            f"quantized must have the shape of weights, not empty, got {after.shape} for "
            f"{before.shape}"
        )
    with np.errstate(over="ignore"):
        total = float(np.abs(before - after).sum())
    if math.isinf(total):
        raise InvalidInput(f"quantized must be within a finite sum of weights, got {total}")
    return ParameterDistortion(total, before.size)


def gradient_bound(steepness: float, distortion: ParameterDistortion) -> float:
    """Return H·‖W - Ŵ‖₁, arXiv 2602.13052, eq. (17): a bound to first order only.

    It bounds the linear term of eq. (16). The remainder is not controlled, so that at few bits an
    output may move by more.

    :param steepness: H at least 0; the least that holds is the greatest over weights w of
        Σ_o |∂f_o/∂w|, by how much one weight moves all outputs together.
    :param distortion: the weights' error.
    :returns: units of the output.
    :raises InvalidInput: when ``steepness`` breaks its rule.
    """
    return checks.number("steepness", steepness, low=0.0) * distortion.total


def empirical_constant(output_errors: ArrayLike, parameter_errors: ArrayLike) -> float:
    """Return the least H that made eq. (17) hold at every measurement.

    H = max ‖f(x, Ŵ) - f(x, W)‖₁ / ‖W - Ŵ‖₁ over samples and bit-widths. The constant of
    arXiv 2602.13052, Sec. VI-A, is estimated from data too, by no recipe given; this one is ours.

    :param output_errors: (S, B) or (B,) L1 errors of the output, S samples by B widths, at least 0.
    :param parameter_errors: (B,) L1 errors of the weights, at least 0, one above 0.
    :returns: units of the output a weight unit; inf where it overflows.
    :raises InvalidInput: when an argument breaks its rule, or an output moved and no weight did.

    >>> empirical_constant([[2.0, 0.5], [3.0, 0.25]], [1.0, 0.1])
    5.0
    """
    moved = nonnegative("parameter_errors", parameter_errors)
    outputs = np.atleast_2d(finite("output_errors", output_errors))
    if outputs.ndim != 2 or outputs.shape[1:] != moved.shape or not (outputs >= 0.0).all():
        raise InvalidInput(
            f"output_errors must be (S, {moved.size}) and at least 0, got shape {outputs.shape}"
        )
    if not moved.any() or outputs[:, moved == 0.0].any():
        raise InvalidInput("parameter_errors must be above 0 where the output moved, got 0")
    with np.errstate(over="ignore"):
        return float((outputs[:, moved > 0.0] / moved[moved > 0.0]).max(initial=0.0))
