# SPDX-License-Identifier: Apache-2.0
"""Measures how far each layer alone moves a module's output: what an allocation chooses from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.adapters.module_distortion.measured import Forward, Reference
from coinfer_ros.adapters.module_distortion.weights import quantizable
from coinfer_ros.adapters.quantizable import as_array
from coinfer_ros.core.arrays import Reals
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import Granularity


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """The errors when only one of L layers is quantized, to each of B widths.

    To first order, arXiv 2602.13052, eq. (16), the sum of ``output`` over layers is what they do
    together at most, were all errors to point the same way. They do not: on the shipped model that
    sum is 2.6 to 3.6 times too much, while the root of the summed squares is within a quarter. So
    ``allocate(output**2, ...)`` finds better widths than ``allocate(output, ...)``
    (test/adapters/module_distortion/test_shipped.py).

    :param names: (L,) the layers' weights.
    :param sizes: (L,) weights q_l.
    :param weight_rates: (L,) λ_l, reciprocal mean magnitude, 1/weight unit; inf for zeros alone.
    :param widths: (B,) bit-widths.
    :param output: (L, B) mean over inputs of the output's L1 error, units of the output.
    :param parameter: (L, B) L1 error of the layer's weights, weight units.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    weight_rates: tuple[float, ...]
    widths: tuple[int, ...]
    output: Reals
    parameter: Reals


def sensitivities(
    module: nn.Module,
    forward: Forward,
    inputs: Sequence[Any],
    *,
    quantizer: str,
    widths: Sequence[int],
    granularity: Granularity,
) -> Sensitivities:
    """Measure the output's error with one layer at a time quantized, N·(L·B + 1) runs in all.

    :param module: any module in evaluation mode; its weights are put back.
    :param forward: runs it on one input; returns an array or a tensor of any shape.
    :param inputs: N of them, one or more.
    :param quantizer: name of a quantizer of ``core.quantizers``.
    :param widths: (B,) bit-widths that it has.
    :param granularity: which weights share a scale.
    :raises InvalidInput: when an argument breaks its rule, the module trains, an output is not
        finite or changes its shape, or no weight is quantized.
    :raises Unsupported: when a weight is computed from other parameters.
    """
    weights = quantizable(module)
    if not weights:
        raise InvalidInput("module must have a weight that is quantized, got none")
    if not widths:
        raise InvalidInput("widths must hold at least one, got none")
    reference = Reference(module, forward, inputs)
    each = [
        [
            reference.distortion({name: bits}, quantizer=quantizer, granularity=granularity)
            for bits in widths
        ]
        for name in weights
    ]  # (L, B)
    return Sensitivities(
        names=tuple(weights),
        sizes=tuple(weight.numel() for weight in weights.values()),
        weight_rates=tuple(_weight_rate(as_array(weight)) for weight in weights.values()),
        widths=tuple(widths),
        output=np.array([[found.mean for found in row] for row in each]),
        parameter=np.array([[found.parameter.total for found in row] for row in each]),
    )


def _weight_rate(weights: NDArray[np.float32]) -> float:
    mean = float(np.abs(weights).mean(dtype=np.float64))
    return 1.0 / mean if mean else float("inf")
