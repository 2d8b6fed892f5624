# SPDX-License-Identifier: Apache-2.0
"""Image encoders of real size with random weights, run on any kernel: shapes make the time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import Blip2VisionConfig, Blip2VisionModel, PreTrainedModel
from transformers.models.git.configuration_git import GitVisionConfig
from transformers.models.git.modeling_git import GitVisionModel

from coinfer_ros.adapters.kernels import Kernel, SwitchableLinear, kernel_for, observe

SIDE = 224  # pixels
# Magnitudes of the channels between norm and layer in large transformers differ as widely:
# standard deviation and greatest size of their exponents of two.
EXPONENT_SPREAD, GREATEST_EXPONENT = 1.5, 5


@dataclass(frozen=True)
class Encoder:
    """An encoder whose linear layers are switchable.

    :param model: all but the linear layers' weights.
    :param linears: those layers' weights and biases, float32, by name.
    :param factors: what balances their channels in 8 bits, found on a gray image.
    """

    model: Any
    linears: dict[str, nn.Linear]
    factors: dict[str, torch.Tensor | None]

    @property
    def weights(self) -> int:
        """Weights of the linear layers."""
        return sum(linear.weight.numel() for linear in self.linears.values())

    def on(
        self, kernel: Kernel, around: torch.dtype, *, balanced: bool = True
    ) -> tuple[Callable[[torch.Tensor], Any], int]:
        """Return the encoder on one kernel, and the bytes that its linear layers take.

        :param around: type of all that is not a linear layer.
        """
        model = copy.deepcopy(self.model).to(kernel.device, around)
        held = 0
        for name, linear in self.linears.items():
            factors = self.factors[name] if balanced else None
            packed = kernel.pack(linear.weight, linear.bias, factors)
            model.get_submodule(name).packed = packed
            held += packed.bytes
        return lambda pixels: model(pixels.to(around)).last_hidden_state, held


def vit_b(*, layers: int = 12) -> PreTrainedModel:
    """Return ViT-B/16, GIT's, with outlier channels: 86 million weights, 197 tokens.

    :param layers: 12 in ViT-B.
    """
    torch.manual_seed(0)
    config = GitVisionConfig(num_hidden_layers=layers)
    model = GitVisionModel(config).eval().requires_grad_(False)
    rng = np.random.default_rng(0)
    for layer in getattr(model, "vision_model", model).encoder.layers:
        attention = layer.self_attn
        _spread(layer.layer_norm1, (attention.q_proj, attention.k_proj, attention.v_proj), rng)
        _spread(layer.layer_norm2, (layer.mlp.fc1,), rng)
    return model


def vit_g(*, layers: int = 39) -> PreTrainedModel:
    """Return BLIP-2's ViT-g/14: 1 billion weights, 257 tokens.

    :param layers: 39 in ViT-g.
    """
    torch.manual_seed(0)
    # By default its random weights are so small that its layers would add nothing.
    config = Blip2VisionConfig(initializer_range=0.02, num_hidden_layers=layers)
    return Blip2VisionModel(config).eval().requires_grad_(False)


def split(model: PreTrainedModel) -> Encoder:
    """Take the linear layers out of a model and put switchable ones in their place."""
    linears = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    slots = {name: SwitchableLinear(linear) for name, linear in linears.items()}
    wide = kernel_for(32, "cpu")
    for name, slot in slots.items():
        slot.packed = wide.pack(linears[name].weight, linears[name].bias)
        model.set_submodule(name, slot)
    observe(model, lambda: model(torch.zeros(1, 3, SIDE, SIDE)))
    for slot in slots.values():
        del slot.packed
    return Encoder(model, linears, {name: slot.factors for name, slot in slots.items()})


def graphed(
    run: Callable[[torch.Tensor], torch.Tensor], image: torch.Tensor
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return ``run`` recorded on a GPU: the same kernels with no time between their starts."""
    held = image.clone()
    with torch.inference_mode():
        beside = torch.cuda.Stream()
        with torch.cuda.stream(beside):  # as torch asks for before recording
            run(held)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            recorded = run(held)

    def replay(pixels: torch.Tensor) -> torch.Tensor:
        held.copy_(pixels)
        graph.replay()
        return recorded

    return replay


def pixels(seed: int) -> torch.Tensor:
    """Return one random image (1, 3, S, S)."""
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def _spread(norm: nn.LayerNorm, readers: tuple[nn.Linear, ...], rng: np.random.Generator) -> None:
    """Make channels larger where the norm writes them and smaller where layers read them."""
    exponents = np.round(rng.normal(0.0, EXPONENT_SPREAD, len(norm.bias)))
    limited = np.clip(exponents, -GREATEST_EXPONENT, GREATEST_EXPONENT)
    factors = torch.from_numpy(np.exp2(limited).astype(np.float32))
    for parameter in (norm.weight, norm.bias):
        parameter.mul_(factors)
    for reader in readers:
        reader.weight.div_(factors)
