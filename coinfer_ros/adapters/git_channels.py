# SPDX-License-Identifier: Apache-2.0
"""Gives a small GIT's head the outlier channels of a large one, without changing what it says.

Large transformers grow channels of very different magnitude (arXiv 2208.07339), and their weights
are heavy-tailed; both make low bit-widths hard. A network that trained for minutes has neither and
hardly notices 3 bits. Here each channel behind a layer norm is made larger by a power of two, and
the column that reads it smaller: the same function, exactly, but a matrix to quantize whose rows
hold large and small weights together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

# Standard deviation of the exponents, and their greatest size: beyond, float16 loses small weights.
EXPONENT_SPREAD = 1.5
GREATEST_EXPONENT = 5


@torch.no_grad()
def spread_channels(model: Any, *, seed: int) -> None:
    """Spread the magnitudes of the channels between a GIT head's layers, in place.

    :param model: a float32 ``GitForCausalLM``.
    :param seed: draws the exponents.
    """
    rng = np.random.default_rng(seed)
    vision = model.git.image_encoder.vision_model
    for layer in vision.encoder.layers:
        attention = layer.self_attn
        readers = (attention.q_proj, attention.k_proj, attention.v_proj)
        _spread(layer.layer_norm1, readers, rng)
        _spread(layer.layer_norm2, (layer.mlp.fc1,), rng)
        # Attention mixes values over tokens, never over channels: these commute with it too.
        _spread(attention.v_proj, (attention.out_proj,), rng)
    _spread(vision.post_layernorm, (model.git.visual_projection.visual_projection[0],), rng)


def _spread(
    writer: nn.LayerNorm | nn.Linear, readers: tuple[nn.Linear, ...], rng: np.random.Generator
) -> None:
    factors = torch.from_numpy(_powers_of_two(len(writer.bias), rng))
    writer.weight.mul_(factors if writer.weight.ndim == 1 else factors[:, None])
    writer.bias.mul_(factors)
    for reader in readers:
        reader.weight.div_(factors)


def _powers_of_two(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    exponents = np.round(rng.normal(0.0, EXPONENT_SPREAD, count))
    limited = np.clip(exponents, -GREATEST_EXPONENT, GREATEST_EXPONENT)
    return np.exp2(limited).astype(np.float32)
