# SPDX-License-Identifier: Apache-2.0
"""Fits the exponential law's rate, which scales every distortion, to weights at hand."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from coinfer_ros.core import arrays
from coinfer_ros.core.errors import InvalidInput


@dataclass(frozen=True)
class RateFit:
    """A fitted rate λ of the law λ·exp(-λ·|w|), arXiv 2602.13052, eq. (3).

    :param rate: λ in 1/weight unit; its reciprocal is the mean magnitude. inf when that is 0.
    :param standard_error: asymptotic standard error λ/√q of the estimate, 1/weight unit; inf where
        λ is.
    :param count: weights q that went in.
    """

    rate: float
    standard_error: float
    count: int


def fit_rate(weights: ArrayLike) -> RateFit:
    """Fit λ by maximum likelihood, λ = q / Σ|w|.

    The estimator is this project's choice, the paper names none. With it, λ·D is the mean absolute
    error over the mean magnitude: a relative error without a scale. Weights that are all 0 have the
    rate inf: they follow the law's limit, all of its mass at 0, exactly, and cost no distortion at
    any width. So does a mean magnitude too small (under 6e-309) for a reciprocal.

    :param weights: real numbers of any shape, q in all, in any weight unit.
    :returns: the fit.
    :raises InvalidInput: when there are none, one is not finite, or their sum is not.

    >>> fit_rate([0.5, -0.25, 0.0, 0.25])
    RateFit(rate=4.0, standard_error=2.0, count=4)
    >>> fit_rate([0.0, 0.0]).rate
    inf
    """
    # float64, for float16 weights overflow their own sum, and -128 has no absolute value in int8.
    with np.errstate(over="ignore"):  # refused below
        values = arrays.reals("weights", weights)
        if values.size == 0:
            raise InvalidInput("weights must hold at least one number, got none")
        total = float(np.abs(values, out=values).sum())
    if not math.isfinite(total):
        raise InvalidInput(f"weights must be finite with a finite sum, got Σ|w| = {total}")
    rate = values.size / total if total else math.inf
    return RateFit(rate, rate / math.sqrt(values.size), values.size)
