# SPDX-License-Identifier: Apache-2.0
"""A layer whose weights are a pointer."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from coinfer_ros.adapters.kernels import SwitchableLinear, kernel_for


@pytest.fixture
def linear() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 16)


def test_it_computes_what_the_layer_did(linear: nn.Linear) -> None:
    layer, x = SwitchableLinear(linear), torch.randn(2, 5, 24)
    layer.packed = kernel_for(32, "cpu").pack(linear.weight, linear.bias)
    assert torch.equal(layer(x), linear(x))


def test_it_runs_what_it_is_pointed_at_last(linear: nn.Linear) -> None:
    model = nn.Sequential(linear, nn.GELU())
    before = linear.weight.clone()
    model.set_submodule("0", SwitchableLinear(linear))
    x, kernel = torch.ones(1, 24), kernel_for(32, "cpu")
    answers = []
    for weight in (before, 2 * before, before):
        model[0].packed = kernel.pack(weight, linear.bias)
        answers.append(model(x))
    assert torch.equal(answers[0], answers[2])
    assert not torch.equal(answers[0], answers[1])


def test_it_has_no_weights_before(linear: nn.Linear) -> None:
    with pytest.raises(AttributeError, match="packed"):
        SwitchableLinear(linear)(torch.ones(1, 24))


def test_it_keeps_shape_and_bias_and_no_weights(linear: nn.Linear) -> None:
    layer = SwitchableLinear(linear)
    assert (layer.in_features, layer.out_features) == (24, 16)
    assert list(layer.state_dict()) == ["bias"]
    assert repr(layer) == "SwitchableLinear(in_features=24, out_features=16)"
