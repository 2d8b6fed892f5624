# SPDX-License-Identifier: Apache-2.0
"""Quantized weights are in place inside the block, and the very originals after it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from coinfer_ros.adapters import weight_store
from coinfer_ros.adapters.module_distortion import quantizable, quantized_in_place
from coinfer_ros.core import quantizers
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.quantizers import PerChannel, PerTensor

UNIFORM = {"quantizer": "uniform", "granularity": PerChannel()}


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 3, 2), nn.Flatten(), nn.LayerNorm(12), nn.Linear(12, 4), nn.GELU()
    ).eval()


def state(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def assert_state(module: nn.Module, before: dict[str, torch.Tensor]) -> None:
    assert module.state_dict().keys() == before.keys()
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_weights_are_those_that_the_robot_quantizes() -> None:
    module = network()
    assert list(quantizable(module)) == ["0.weight", "3.weight"]
    assert list(weight_store.quantizable(module)) == list(quantizable(module))


def test_a_module_that_is_a_layer_itself_has_a_weight() -> None:
    assert list(quantizable(nn.Linear(2, 3))) == ["weight"]
    assert quantizable(nn.LayerNorm(3)) == {}


def test_a_shared_weight_is_one() -> None:
    words = nn.Embedding(5, 3)
    answer = nn.Linear(3, 5, bias=False)
    answer.weight = words.weight
    module = nn.Sequential(words, answer)
    assert list(quantizable(module)) == ["0.weight"]
    before = state(module)
    with quantized_in_place(module, 3, **UNIFORM) as error:
        assert error.count == 15
        assert answer.weight is words.weight
        assert not torch.equal(answer.weight, before["1.weight"])
    assert_state(module, before)


def test_inside_the_block_the_weights_are_what_core_restores() -> None:
    module = network()
    before = state(module)
    with quantized_in_place(
        module, {"3.weight": 3}, quantizer="exponential", granularity=PerTensor()
    ) as error:
        inside = state(module)
        assert torch.equal(inside["0.weight"], before["0.weight"])
        assert torch.equal(inside["3.bias"], before["3.bias"])
        expected = quantizers.restored(
            before["3.weight"].numpy(), quantizer="exponential", bits=3, granularity=PerTensor()
        )
        assert np.array_equal(inside["3.weight"].numpy(), expected)
        moved = (inside["3.weight"].double() - before["3.weight"].double()).abs().sum()
        assert error.total == pytest.approx(float(moved), rel=48 * 2.0**-53)
        assert error.count == 48
    assert_state(module, before)


def test_an_error_inside_the_block_gives_the_originals_back_and_goes_on() -> None:
    module = network()
    before, places = state(module), [weight.data_ptr() for weight in module.parameters()]
    with pytest.raises(KeyError, match="stop"), quantized_in_place(module, 2, **UNIFORM):
        raise KeyError("stop")
    assert_state(module, before)
    assert [weight.data_ptr() for weight in module.parameters()] == places


def test_a_width_that_the_quantizer_lacks_changes_nothing() -> None:
    module = network()
    before = state(module)
    with (
        pytest.raises(InvalidInput, match="bits must be"),
        quantized_in_place(module, {"0.weight": 4, "3.weight": 17}, **UNIFORM),
    ):
        pass
    assert_state(module, before)


def test_half_precision_stays_and_its_error_is_what_the_module_holds() -> None:
    module = nn.Linear(8, 2).to(torch.bfloat16)
    before = module.weight.detach().clone()
    with quantized_in_place(module, 16, **UNIFORM) as error:
        assert module.weight.dtype == torch.bfloat16
        # 16 bits are finer than bfloat16's eight: rounded back, nothing is left of the error.
        assert torch.equal(module.weight, before)
        assert error.total == 0.0


@pytest.mark.parametrize("bits", [{"2.weight": 4}, {"nowhere": 4, 1: 2}, {}])
def test_a_name_that_is_no_quantized_weight_is_refused(bits: dict[str, int]) -> None:
    with (
        pytest.raises(InvalidInput, match="bits must name weights of the module"),
        quantized_in_place(network(), bits, **UNIFORM),
    ):
        pass


def test_a_weight_that_is_computed_from_others_is_refused_by_name() -> None:
    module = nn.Sequential(nn.ReLU(), nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)))
    with (
        pytest.raises(Unsupported, match=r"1\.weight must be a parameter of its own"),
        quantized_in_place(module, 3, **UNIFORM),
    ):
        pass


def test_a_weight_beyond_float32_is_refused_by_name() -> None:
    module = nn.Linear(2, 2).double()
    module.weight.data[0, 1] = 1e300
    with (
        pytest.raises(InvalidInput, match=r"^weight must hold finite float32 .*, got 1e\+300"),
        quantized_in_place(module, 3, **UNIFORM),
    ):
        pass


def test_the_error_of_float64_weights_has_all_their_digits() -> None:
    module = nn.Linear(2, 1).double()
    module.weight.data = torch.tensor([[1.0, 1.0 + 2.0**-40]], dtype=torch.float64)
    with quantized_in_place(module, 2, **UNIFORM) as error:
        assert module.weight.tolist() == [[1.0, 1.0]]
        assert error.total == 2.0**-40
