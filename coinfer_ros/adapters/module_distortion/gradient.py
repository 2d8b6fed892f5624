# SPDX-License-Identifier: Apache-2.0
"""Measures how steeply a torch module's output depends on its weights: the paper's H."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from coinfer_ros.adapters.module_distortion.conditions import check_evaluating, check_inputs
from coinfer_ros.adapters.module_distortion.weights import quantizable
from coinfer_ros.core.errors import InvalidInput, Unsupported

OUTPUTS_MAX = 4096  # one backward pass each


@dataclass(frozen=True)
class Steepness:
    """How far an L1 error of one weight unit moves the output, to first order, in L1.

    :param names: (L,) the layers' weights.
    :param layers: (L,) H_l of an error in this layer alone, units of the output a weight unit.
    """

    names: tuple[str, ...]
    layers: tuple[float, ...]

    @property
    def whole(self) -> float:
        """H of an error anywhere, arXiv 2602.13052, eq. (17): the greatest H_l."""
        return max(self.layers)


def steepness(
    module: nn.Module, forward: Callable[[Any], torch.Tensor], inputs: Sequence[Any]
) -> Steepness:
    """Return H_l = max_x max_i Σ_o |∂f_o/∂w_i| over the weights of each layer.

    With J the matrix of derivatives, ‖J·Δ‖₁ ≤ Σ_i |Δ_i|·Σ_o |J_oi| ≤ H·‖Δ‖₁, with equality for an
    error in the steepest weight alone: the least constant that bounds the linear term of arXiv
    2602.13052, eq. (16), as eq. (17) does. It bounds no more than that term: at few bits the output
    may move by more, even where all derivatives are 0. Exact by one backward pass for each output.

    :param module: any module in evaluation mode; its gradients and flags are left as they were.
    :param forward: runs it on one input with gradients enabled; returns a tensor of any shape.
    :param inputs: what to take the maximum over, one or more.
    :raises Unsupported: when the output has more than 4096 numbers, or a weight is computed from
        other parameters.
    :raises InvalidInput: when the module trains, there is no input, no weight that is quantized, or
        a gradient is not finite or absent.
    """
    check_evaluating(module)
    check_inputs(inputs)
    weights = quantizable(module)
    if not weights:
        raise InvalidInput("module must have a weight that is quantized, got none")
    with _requiring_gradients(list(weights.values())):
        rows = [_steepest(forward(x), list(weights.values())) for x in inputs]
    found = np.array(rows).max(axis=0)  # (L,)
    if not np.isfinite(found).all():
        raise InvalidInput("forward must have finite gradients, got a NaN or an infinity")
    return Steepness(tuple(weights), tuple(found.tolist()))


def _steepest(output: torch.Tensor, weights: list[nn.Parameter]) -> list[float]:
    """Return max_i Σ_o |∂f_o/∂w_i| of each layer (L,)."""
    if not isinstance(output, torch.Tensor) or not output.requires_grad:
        raise InvalidInput(
            "forward must return a tensor with gradients, got "
            + ("one without" if isinstance(output, torch.Tensor) else type(output).__name__)
        )
    numbers = output.flatten()
    if numbers.numel() > OUTPUTS_MAX:
        raise Unsupported(
            f"forward must return at most {OUTPUTS_MAX} numbers, got {numbers.numel()}: "
            "return a part of them"
        )
    sums = [torch.zeros_like(weight, dtype=torch.float64) for weight in weights]
    for number in numbers:
        gradients = torch.autograd.grad(number, weights, retain_graph=True, allow_unused=True)
        for total, gradient in zip(sums, gradients, strict=True):
            if gradient is not None:  # else the output does not depend on this weight
                total.add_(gradient.abs())
    return [float(total.max()) for total in sums]


@contextmanager
def _requiring_gradients(weights: list[nn.Parameter]) -> Iterator[None]:
    before = [weight.requires_grad for weight in weights]
    try:
        for weight in weights:
            weight.requires_grad_(True)
        with torch.enable_grad():
            yield
    finally:
        for weight, flag in zip(weights, before, strict=True):
            weight.requires_grad_(flag)
