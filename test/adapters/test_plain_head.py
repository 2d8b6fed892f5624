# SPDX-License-Identifier: Apache-2.0
"""The plain head says what the served one says, and what a quantizer does to both is the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from coinfer_ros.adapters import half_weights, models
from coinfer_ros.adapters.checkpoint import load_tensors, open_checkpoint
from coinfer_ros.adapters.plain_head import PlainHead
from coinfer_ros.adapters.quantizable import as_array
from coinfer_ros.core.quantizers import PerChannel, restored

SHIPPED = Path(__file__).parents[2] / "models" / "git-scenes"
IMAGES = [np.random.default_rng(seed).integers(0, 256, (80, 60, 3), np.uint8) for seed in range(2)]


@pytest.fixture(scope="module")
def head():
    return models.open_head(SHIPPED)


@pytest.fixture(scope="module")
def plain():
    return PlainHead(SHIPPED, IMAGES, cut="")


def test_both_heads_say_the_same_but_for_what_16_bits_round(head, plain):
    for image in IMAGES:
        served, own = head.embed(image), plain._embed(image).detach().numpy()
        # At worst 16 bits run in bfloat16; 8 bits move the embedding by 9 %, another image by more.
        assert np.abs(served - own).mean() < 0.05 * np.abs(own).mean()


def test_exactly_the_weights_that_the_head_quantizes_are_quantized(head, plain):
    ticks = []
    found = plain.distortion("exponential", 3, lambda: ticks.append(1))
    names = half_weights.stored_names(SHIPPED, head.prepare(8).tensors, cut="")
    total, count = 0.0, 0
    for tensor in load_tensors(open_checkpoint(SHIPPED), names).values():
        weights = as_array(tensor)
        back = restored(weights, quantizer="exponential", bits=3, granularity=PerChannel())
        total += float(np.abs(weights.astype(np.float64) - back).sum())
        count += weights.size
    assert found.parameter.count == count
    assert found.parameter.total == pytest.approx(total, rel=1e-12)
    assert len(ticks) == len(IMAGES)


def test_the_embedding_moves_with_the_bits_and_comes_back(plain):
    before = plain._embed(IMAGES[0])
    moved = [plain.distortion("uniform", bits, lambda: None).relative for bits in (2, 8, 16)]
    assert moved[0] > moved[1] > moved[2] > 0.0
    assert torch.equal(plain._embed(IMAGES[0]), before)
