# SPDX-License-Identifier: Apache-2.0
"""Measures how far quantized weights move a torch module's output."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from coinfer_ros.adapters.module_distortion.conditions import check_evaluating, check_inputs
from coinfer_ros.adapters.module_distortion.weights import quantized_in_place
from coinfer_ros.core.arrays import Reals, finite
from coinfer_ros.core.distortion import ParameterDistortion
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.quantizers import Granularity

Forward = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class ModuleDistortion:
    """The errors of some weights and of the output that they move.

    :param parameter: L1 error of the weights, arXiv 2602.13052, eq. (15).
    :param output: (N,) ‖f(x, Ŵ) - f(x, W)‖₁ for each input, units of the output.
    :param reference: (N,) ‖f(x, W)‖₁ for each input, units of the output.
    """

    parameter: ParameterDistortion
    output: Reals
    reference: Reals

    @property
    def mean(self) -> float:
        """Mean over inputs of the output's L1 error, units of the output."""
        return float(self.output.mean())

    @property
    def relative(self) -> float:
        """The output's L1 error over its L1 norm, both summed over inputs; inf over nothing."""
        norm = float(self.reference.sum())
        return float(self.output.sum()) / norm if norm else float("inf")


@dataclass(frozen=True, eq=False)
class Measurement:
    """What one quantizer did at one width.

    :param quantizer: its name.
    :param bits: bit-width of every weight.
    :param distortion: the errors.
    """

    quantizer: str
    bits: int
    distortion: ModuleDistortion


class Reference:
    """What a module says at full precision, to compare with.

    :param module: any module in evaluation mode.
    :param forward: runs it on one input; returns an array or a tensor of any shape.
    :param inputs: one or more.
    :raises InvalidInput: when the module trains, there is no input, or an output is not finite.
    """

    def __init__(self, module: nn.Module, forward: Forward, inputs: Sequence[Any]) -> None:
        check_evaluating(module)
        check_inputs(inputs)
        self._module, self._forward, self._inputs = module, forward, inputs
        self._outputs = [self._run(x) for x in inputs]
        self._norms = np.array([np.abs(output).sum() for output in self._outputs])  # (N,)

    def distortion(
        self, bits: int | Mapping[str, int], *, quantizer: str, granularity: Granularity
    ) -> ModuleDistortion:
        """Measure with some widths in place; the arguments are those of ``quantized_in_place``."""
        with quantized_in_place(
            self._module, bits, quantizer=quantizer, granularity=granularity
        ) as parameter:
            pairs = zip(self._inputs, self._outputs, strict=True)
            moved = [np.abs(self._again(x, output.shape) - output).sum() for x, output in pairs]
        return ModuleDistortion(parameter, np.array(moved), self._norms)

    def _again(self, x: Any, shape: tuple[int, ...]) -> Reals:
        output = self._run(x)
        if output.shape != shape:
            raise InvalidInput(
                f"forward must return the same shape for the same input, got {output.shape} "
                f"after {shape}"
            )
        return output

    def _run(self, x: Any) -> Reals:
        with torch.no_grad():
            output = self._forward(x)
        if isinstance(output, torch.Tensor):
            output = output.detach().cpu()
            # numpy has no bfloat16.
            output = (output.double() if output.is_floating_point() else output).numpy()
        if not isinstance(output, np.ndarray):
            raise InvalidInput(
                f"forward must return one array or tensor, got {type(output).__name__}"
            )
        return finite("what forward returns", output)


def output_distortion(
    module: nn.Module,
    forward: Forward,
    inputs: Sequence[Any],
    bits: int | Mapping[str, int],
    *,
    quantizer: str,
    granularity: Granularity,
) -> ModuleDistortion:
    """Measure the errors at some widths: one for all weights, or what an allocation gives each.

    :param module: any module in evaluation mode; its weights are put back.
    :param forward: runs it on one input; returns an array or a tensor of any shape.
    :param inputs: N of them, one or more.
    :param bits: one width for every weight that is quantized, or a width for each of some by name.
    :param quantizer: name of a quantizer of ``core.quantizers``.
    :param granularity: which weights share a scale.
    :raises InvalidInput: when an argument breaks its rule, the module trains, or an output is not
        finite or changes its shape.
    :raises Unsupported: when a weight is computed from other parameters.
    """
    reference = Reference(module, forward, inputs)
    return reference.distortion(bits, quantizer=quantizer, granularity=granularity)


def measure(
    module: nn.Module,
    forward: Forward,
    inputs: Sequence[Any],
    *,
    quantizers: Sequence[str],
    widths: Sequence[int],
    granularity: Granularity,
) -> tuple[Measurement, ...]:
    """Measure the errors at every quantizer and width: the curves of arXiv 2602.13052, Fig. 3.

    :param module: any module in evaluation mode; its weights are put back.
    :param forward: runs it on one input; returns an array or a tensor of any shape.
    :param inputs: N of them, one or more.
    :param quantizers: names of quantizers of ``core.quantizers``.
    :param widths: bit-widths that each of them has.
    :param granularity: which weights share a scale.
    :returns: one after the other, all widths of the first quantizer first.
    :raises InvalidInput: when an argument breaks its rule, the module trains, or an output is not
        finite or changes its shape.
    :raises Unsupported: when a weight is computed from other parameters.
    """
    reference = Reference(module, forward, inputs)
    return tuple(
        Measurement(name, bits, reference.distortion(bits, quantizer=name, granularity=granularity))
        for name in quantizers
        for bits in widths
    )
