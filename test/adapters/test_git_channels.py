# SPDX-License-Identifier: Apache-2.0
"""Spread channels say the same at full precision and make low bit-widths harder."""

from __future__ import annotations

import copy

import numpy as np
import torch

from coinfer_ros.adapters import git_training
from coinfer_ros.adapters.git_channels import spread_channels
from coinfer_ros.core.quantizers.uniform import choose_qparams, dequantize, quantize


def relative_error(model, bits):
    """Return mean |error| over mean |weight| of the query projections at a width."""
    errors, sizes = 0.0, 0.0
    for layer in model.git.image_encoder.vision_model.encoder.layers:
        weights = layer.self_attn.q_proj.weight.detach().numpy()
        scales = choose_qparams(weights, bits)
        errors += np.abs(dequantize(quantize(weights, scales, bits), scales, bits) - weights).sum()
        sizes += np.abs(weights).sum()
    return errors / sizes


def test_the_function_stays_and_quantization_gets_harder():
    student = git_training.new_student(["a", "red", "cube"], seed=0)
    plain = student.model.eval()
    spread = copy.deepcopy(plain)
    spread_channels(spread, seed=0)
    pixels = torch.randn(2, 3, git_training.IMAGE_PX, git_training.IMAGE_PX)
    ids = torch.tensor([[2, 5, 6], [2, 6, 7]])
    with torch.no_grad():
        before = plain(input_ids=ids, pixel_values=pixels).logits
        after = spread(input_ids=ids, pixel_values=pixels).logits
    # Powers of two are exact in floating point; only the order of sums may differ.
    assert torch.allclose(before, after, rtol=0.0, atol=1e-4)
    for bits in (3, 4, 6, 8):
        assert relative_error(spread, bits) > 1.3 * relative_error(plain, bits)


def test_the_seed_decides():
    def head(seed):
        model = git_training.new_student(["a"], seed=0).model
        spread_channels(model, seed=seed)
        return model.git.image_encoder.vision_model.post_layernorm.weight

    assert torch.equal(head(1), head(1))
    assert not torch.equal(head(1), head(2))
