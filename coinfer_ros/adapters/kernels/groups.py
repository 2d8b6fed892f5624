# SPDX-License-Identifier: Apache-2.0
"""Rounds weights to 4-bit codes with a scale and an offset for each group of a row."""

from __future__ import annotations

import torch

from coinfer_ros.adapters.kernels import rows

GROUP = 32
LEVELS = 16
MIDDLE = LEVELS // 2


def quantized(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the codes (O, I) in 0..15, and scales and middles (I / GROUP, O, 2) in bfloat16.

    A weight is ``(code - 8) * scale + middle``. Scale and middle are rounded before the codes are
    found, so that the codes make up for it.

    :param weight: (O, I), I a multiple of ``GROUP``.
    :raises InvalidInput: when a weight is not finite.
    """
    grouped = weight.detach().reshape(len(weight), -1, GROUP)  # (O, I / GROUP, GROUP)
    least, most = rows.finite(grouped.amin(-1)), rows.finite(grouped.amax(-1))
    scales = ((most - least) / (LEVELS - 1)).clamp_min_(rows.PEAK_LEAST).bfloat16()
    middles = (least + MIDDLE * scales.float()).bfloat16()
    steps = (grouped - middles.float()[..., None]).div_(scales.float()[..., None])
    codes = steps.round_().add_(MIDDLE).clamp_(0, LEVELS - 1).to(torch.int32).flatten(1)
    return codes, torch.stack((scales.t(), middles.t()), dim=-1).contiguous()


def restored(codes: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Return the weights (O, I) float32 of :func:`quantized` codes."""
    scale, middle = scales.float().transpose(0, 1).unbind(-1)  # (O, I / GROUP) each
    steps = codes.view(len(codes), -1, GROUP) - MIDDLE
    found: torch.Tensor = steps * scale[..., None] + middle[..., None]
    return found.flatten(1)
