# SPDX-License-Identifier: Apache-2.0
"""Shares large channels out between activations and weights before both are rounded to 8 bits.

A channel that is a hundred times larger than the others takes the steps of its whole token. Made
smaller there and larger in the weights by the same factor it computes the same, and both sides
round well (SmoothQuant, arXiv 2211.10438, with its exponent 1/2). The factors are powers of two, so
that they round nothing themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from coinfer_ros.adapters.kernels.switchable import SwitchableLinear

# Of two: beyond, a channel is nearly dead on one side and its factor would be noise.
GREATEST_EXPONENT = 12
PEAK_LEAST = 1e-30


def factors(weight: torch.Tensor, peaks: torch.Tensor | None) -> torch.Tensor | None:
    """Return what to multiply each input by, and divide its weights by; None for nothing.

    :param weight: (O, I).
    :param peaks: (I,) the largest magnitude that each input was seen with; None when unknown.
    """
    if peaks is None:
        return None
    ratio = weight.abs().amax(0).clamp_min(PEAK_LEAST) / peaks.to(weight).clamp_min(PEAK_LEAST)
    exponents = ratio.log2().div_(2)
    even = (exponents - exponents.median()).round_().clamp_(-GREATEST_EXPONENT, GREATEST_EXPONENT)
    return even.exp2_() if even.any() else None


@torch.no_grad()
def observe(module: nn.Module, run: Callable[[], object]) -> None:
    """Tell every switchable layer of ``module`` the peaks of its inputs.

    :param run: runs ``module`` on something typical, on kernels of full precision.
    """

    def look(layer: SwitchableLinear, given: tuple[torch.Tensor]) -> None:
        seen = given[0].detach().float().abs().flatten(0, -2).amax(0)
        layer.peaks = seen if layer.peaks is None else torch.maximum(layer.peaks, seen)

    layers = [child for child in module.modules() if isinstance(child, SwitchableLinear)]
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
