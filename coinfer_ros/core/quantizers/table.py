# SPDX-License-Identifier: Apache-2.0
"""Finds a quantizer by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.packing import Codes
from coinfer_ros.core.quantizers import exponential, power_of_two, signed, uniform, uniform_l1
from coinfer_ros.core.quantizers.rows import Weights

Cells = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Quantizer:
    """The stateless verbs of one quantizer over rows of weights.

    :param name: its key in ``QUANTIZERS``.
    :param bits_low: narrowest bit-width.
    :param bits_high: widest.
    :param scaled_by: what of a row its scale comes from, "greatest" or "mean" magnitude.
    :param choose_qparams: (weights, bits) to scales (rows,).
    :param quantize: (weights, scales, bits) to codes.
    :param dequantize: (codes, scales, bits) to weights.
    :param cells: (bits, scale) to magnitudes and the lower ends of their cells.
    """

    name: str
    bits_low: int
    bits_high: int
    scaled_by: str
    choose_qparams: Callable[[Weights, int], Weights]
    quantize: Callable[[Weights, Weights, int], Codes]
    dequantize: Callable[[Codes, Weights, int], Weights]
    cells: Callable[[int, float], Cells]


def _verbs(name: str, of: object, low: int, high: int, scaled_by: str) -> Quantizer:
    names = ("choose_qparams", "quantize", "dequantize", "cells")
    return Quantizer(name, low, high, scaled_by, *(getattr(of, verb) for verb in names))


_GREATEST = (power_of_two.BITS_LOW, power_of_two.BITS_HIGH, "greatest")
_MEAN = (signed.BITS_LOW, signed.BITS_HIGH, "mean")

QUANTIZERS: dict[str, Quantizer] = {
    one.name: one
    for one in (
        _verbs("uniform", uniform, *_GREATEST),
        _verbs("uniform_l1", uniform_l1, *_MEAN),
        _verbs("power_of_two", power_of_two.INQ, *_GREATEST),
        _verbs("power_of_two_full", power_of_two.FULL, *_GREATEST),
        _verbs("exponential", exponential, *_MEAN),
    )
}


def named(quantizer: object) -> Quantizer:
    """Return a quantizer by its name.

    :raises InvalidInput: when there is none of that name.

    >>> named("exponential").bits_low
    1
    """
    return QUANTIZERS[checks.one_of("quantizer", quantizer, QUANTIZERS)]
