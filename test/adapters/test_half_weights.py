# SPDX-License-Identifier: Apache-2.0
"""A head's weights are found in its checkpoint, and the law is that of what is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from coinfer_ros.adapters import half_weights, models
from coinfer_ros.adapters.checkpoint import load_tensors, open_checkpoint
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.quantizable import as_array
from coinfer_ros.core.errors import Unsupported

SHIPPED = Path(__file__).parents[2] / "models" / "git-scenes"


@pytest.fixture(scope="module")
def head_names():
    quantized = models.open_head(SHIPPED).prepare(8).tensors
    return half_weights.stored_names(SHIPPED, quantized, cut="")


def values(names):
    tensors = load_tensors(open_checkpoint(SHIPPED), names)
    return {name: as_array(tensor) for name, tensor in tensors.items()}


def test_what_a_head_quantizes_is_found_in_the_checkpoint_and_is_none_of_the_tail(head_names):
    opened = open_model(SHIPPED)
    assert set(head_names) <= opened.head_keys()
    assert not opened.tail_keys() & set(head_names)
    assert all("image_encoder" in name or "visual_projection" in name for name in head_names)


def test_the_law_of_all_is_that_of_every_weight_and_each_tensor_has_its_own(head_names):
    ticks = []
    whole, *each = half_weights.laws(SHIPPED, head_names, lambda: ticks.append(1))
    weights = values(head_names)
    magnitudes = np.concatenate([np.abs(w.astype(np.float64)).ravel() for w in weights.values()])
    assert whole.count == magnitudes.size
    assert whole.weight_rate == pytest.approx(1.0 / magnitudes.mean(), rel=1e-9)
    assert {law.name: law.count for law in each} == {n: w.size for n, w in weights.items()}
    # The distance by its definition, over all float16 magnitudes, of which many are equal.
    levels, counts = np.unique(magnitudes, return_counts=True)
    after = np.cumsum(counts) / magnitudes.size
    law = 1.0 - np.exp(-levels / magnitudes.mean())
    distance = max((after - law).max(), (law - (after - counts / magnitudes.size)).max())
    assert whole.ks == pytest.approx(distance, abs=1e-9)
    assert len(ticks) >= len(each)


def test_a_half_without_weights_is_refused():
    with pytest.raises(Unsupported, match="a weight of this half, got none"):
        half_weights.laws(SHIPPED, {"no.such.weight"}, lambda: None)
