# SPDX-License-Identifier: Apache-2.0
"""Spread channels say the same at full precision and make low bit-widths harder."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from coinfer_ros.adapters.training.blip2_student import QUERIES, Blip2Student
from coinfer_ros.adapters.training.git_student import GitStudent
from coinfer_ros.adapters.training.student import IMAGE_PX
from coinfer_ros.core.quantizers.uniform import choose_qparams, dequantize, quantize

TEXTS = ("a red cube",)


def git() -> GitStudent:
    return GitStudent(TEXTS, seed=0)


def git_video() -> GitStudent:
    return GitStudent(TEXTS, seed=0, frames=4)


def blip2() -> Blip2Student:
    return Blip2Student(TEXTS, seed=0)


def logits(student: Any) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    frames = student.model.config.to_dict().get("num_image_with_embedding")
    shape = (2, frames, 3, IMAGE_PX, IMAGE_PX) if frames else (2, 3, IMAGE_PX, IMAGE_PX)
    image = student.words.get("<image>")
    lead = [] if image is None else [image] * QUERIES
    ids = torch.tensor([[*lead, 2, 5, 6], [*lead, 2, 6, 7]])
    with torch.no_grad():
        model = student.model.eval()
        return model(input_ids=ids, pixel_values=torch.randn(shape, generator=generator)).logits


def relative_error(weights: torch.Tensor, bits: int) -> float:
    values = weights.detach().numpy()
    scales = choose_qparams(values, bits)
    back = dequantize(quantize(values, scales, bits), scales, bits)
    return float(np.abs(back - values).sum() / np.abs(values).sum())


def git_readers(model: Any) -> list[torch.Tensor]:
    layers = model.git.image_encoder.vision_model.encoder.layers
    return [layer.self_attn.q_proj.weight for layer in layers] + [
        model.git.visual_projection.visual_projection[0].weight
    ]


def blip2_readers(model: Any) -> list[torch.Tensor]:
    layers = model.vision_model.encoder.layers
    crossing = model.qformer.encoder.layer[0].crossattention
    return [
        *(layer.self_attn.qkv.weight for layer in layers),
        *(layer.self_attn.projection.weight for layer in layers),
        crossing.attention.key.weight,
        crossing.output.dense.weight,
        model.language_projection.weight,
    ]


@pytest.mark.parametrize(
    ("make", "readers"),
    [(git, git_readers), (git_video, git_readers), (blip2, blip2_readers)],
)
def test_the_function_stays_and_quantization_gets_harder(
    make: Callable[[], Any], readers: Callable[[Any], list[torch.Tensor]]
) -> None:
    plain = make()
    with torch.no_grad():
        for parameter in plain.model.parameters():  # biases start at nought and would hide a slip
            parameter.add_(0.05 * torch.randn_like(parameter))
    spread = copy.deepcopy(plain)
    spread.spread_channels(seed=0)
    # Powers of two are exact in floating point; only the order of sums may differ.
    torch.testing.assert_close(logits(spread), logits(plain), rtol=0.0, atol=1e-3)
    for before, after in zip(readers(plain.model), readers(spread.model), strict=True):
        for bits in (3, 4, 6, 8):
            assert relative_error(after, bits) > 1.3 * relative_error(before, bits)


def test_the_seed_decides() -> None:
    def norm(seed: int) -> torch.Tensor:
        student = git()
        student.spread_channels(seed=seed)
        weight: torch.Tensor = student.model.git.image_encoder.vision_model.post_layernorm.weight
        return weight

    assert torch.equal(norm(1), norm(1))
    assert not torch.equal(norm(1), norm(2))
