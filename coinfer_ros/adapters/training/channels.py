# SPDX-License-Identifier: Apache-2.0
"""Gives a small model's head the outlier channels of a large one, without changing what it says.

Large transformers grow channels of very different magnitude (arXiv 2208.07339), and their weights
are heavy-tailed; both make low bit-widths hard. A network that trained for minutes has neither and
hardly notices 3 bits. Here each channel behind a layer norm is made larger by a power of two, and
the column that reads it smaller: the same function, exactly, but a matrix to quantize whose rows
hold large and small weights together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

# Standard deviation of the exponents, and their greatest size: beyond, float16 loses small weights.
EXPONENT_SPREAD = 1.5
GREATEST_EXPONENT = 5


class Link(NamedTuple):
    """Channels on their way from the layer that writes them to all layers that read them.

    :param weight: the writer's weight, a row or an element for each channel.
    :param added: all that is added before the readers: its bias, and what a model adds later.
    :param readers: layers with a column for each channel.
    """

    weight: torch.Tensor
    added: tuple[torch.Tensor, ...]
    readers: tuple[nn.Linear, ...]


def git_links(model: Any) -> Iterator[Link]:
    """Yield the links of the head of a ``GitForCausalLM``."""
    vision = model.git.image_encoder.vision_model
    for layer in vision.encoder.layers:
        attention = layer.self_attn
        queries = (attention.q_proj, attention.k_proj, attention.v_proj)
        yield _link(layer.layer_norm1, *queries)
        yield _link(layer.layer_norm2, layer.mlp.fc1)
        # Attention mixes values over tokens, never over channels: these commute with it too.
        yield _link(attention.v_proj, attention.out_proj)
    norm, temporal = vision.post_layernorm, getattr(model.git, "img_temporal_embedding", ())
    projection = model.git.visual_projection.visual_projection[0]
    yield Link(norm.weight, (norm.bias, *temporal), (projection,))


def blip2_links(model: Any) -> Iterator[Link]:
    """Yield the links of the head of a ``Blip2ForConditionalGeneration``.

    The Q-Former's layer norms also feed the sums around the layers, so only its last one is free.
    """
    vision, blocks = model.vision_model, model.qformer.encoder.layer
    for layer in vision.encoder.layers:
        qkv, width = layer.self_attn.qkv, layer.self_attn.embed_dim
        yield _link(layer.layer_norm1, qkv)
        yield _link(layer.layer_norm2, layer.mlp.fc1)
        values = slice(2 * width, 3 * width)
        yield Link(qkv.weight[values], (qkv.bias[values],), (layer.self_attn.projection,))
    crossing = [block.crossattention for block in blocks if block.has_cross_attention]
    ports = [port for c in crossing for port in (c.attention.key, c.attention.value)]
    yield _link(vision.post_layernorm, *ports)
    for attention in (*(block.attention for block in blocks), *crossing):
        yield _link(attention.attention.value, attention.output.dense)
    yield _link(blocks[-1].output_query.LayerNorm, model.language_projection)


@torch.no_grad()
def spread(links: Iterable[Link], *, seed: int) -> None:
    """Spread the magnitudes of the channels, in place.

    :param links: of a float32 model.
    :param seed: draws the exponents.
    """
    rng = np.random.default_rng(seed)
    for weight, added, readers in links:
        factors = torch.from_numpy(_powers_of_two(len(weight), rng)).to(weight.device)
        weight.mul_(factors if weight.ndim == 1 else factors[:, None])
        for values in added:  # a channel is their last axis
            values.mul_(factors)
        for reader in readers:
            reader.weight.div_(factors)


def _link(writer: nn.LayerNorm | nn.Linear, *readers: nn.Linear) -> Link:
    return Link(writer.weight, (writer.bias,), readers)


def _powers_of_two(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    exponents = np.round(rng.normal(0.0, EXPONENT_SPREAD, count))
    limited = np.clip(exponents, -GREATEST_EXPONENT, GREATEST_EXPONENT)
    return np.exp2(limited).astype(np.float32)
