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

# A channel counts for this share of the mean at least: one that was nearly dead in what was
# observed may live in the next image, and must find its weights not rounded away.
LEAST_SHARE = 1 / 64
# Of two: below, balancing gains less than a bit and each token is one more pass through memory.
LEAST_EXPONENT = 2
PEAK_LEAST = 1e-30


def factors_of(weight: torch.Tensor, peaks: torch.Tensor) -> torch.Tensor | None:
    """Return what to multiply each input by, and divide its weights by; None for nothing.

    :param weight: (O, I).
    :param peaks: (I,) the largest magnitude that each input was seen with.
    """
    exponents = (_floored(weight.abs().amax(0)) / _floored(peaks)).log2().div_(2)
    even = (exponents - exponents.median()).round_()
    return even.exp2() if even.abs().max() >= LEAST_EXPONENT else None


@torch.no_grad()
def observe(module: nn.Module, run: Callable[[], object]) -> None:
    """Find the factors of every switchable layer of ``module``; weights packed later use them.

    :param run: runs ``module`` on something typical; its weights in place are of full precision.
    """
    seen: dict[SwitchableLinear, torch.Tensor] = {}

    def look(layer: SwitchableLinear, given: tuple[torch.Tensor]) -> None:
        peaks = given[0].detach().float().abs().flatten(0, -2).amax(0).cpu()
        seen[layer] = torch.maximum(seen.get(layer, peaks), peaks)

    layers = [child for child in module.modules() if isinstance(child, SwitchableLinear)]
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    for layer, peaks in seen.items():
        layer.factors = factors_of(layer.packed.weight(), peaks)


def _floored(magnitudes: torch.Tensor) -> torch.Tensor:
    return magnitudes.clamp_min(max(PEAK_LEAST, LEAST_SHARE * float(magnitudes.mean())))
