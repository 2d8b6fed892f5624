# SPDX-License-Identifier: Apache-2.0
"""The gradient's constant is exact, bounds small errors, and does not bound large ones."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from coinfer_ros.adapters.module_distortion import (
    output_distortion,
    quantizable,
    steepness,
)
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.quantizers import PerChannel

SEEDS = st.integers(0, 2**16)


def smooth_network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 3), nn.Tanh()).double().eval()


def moved(module: nn.Module, x: torch.Tensor, errors: list[torch.Tensor], scale: float) -> float:
    """‖f(x, W + scale·Δ) - f(x, W)‖₁ in float64."""
    weights = list(quantizable(module).values())
    with torch.no_grad():
        before = module(x)
        for weight, error in zip(weights, errors, strict=True):
            weight.add_(scale * error)
        after = module(x)
        for weight, error in zip(weights, errors, strict=True):
            weight.sub_(scale * error)
    return float((after - before).abs().sum())


def test_of_one_linear_layer_it_is_the_largest_input() -> None:
    # ∂f_o/∂w_oi = x_i, and a weight moves no output but its own.
    module = nn.Linear(2, 3).eval()
    found = steepness(module, module, [torch.tensor([0.5, -2.0]), torch.tensor([1.0, 1.0])])
    assert (found.names, found.layers, found.whole) == (("weight",), (2.0,), 2.0)


def test_of_a_kernel_it_is_the_largest_sum_of_pixels_that_one_weight_meets() -> None:
    module = nn.Conv2d(1, 2, kernel_size=1).eval()
    pixels = torch.tensor([[[1.0, -2.0], [4.0, 0.5]]])
    assert steepness(module, module, [pixels]).whole == 7.5


def test_of_a_product_it_is_the_greater_factor() -> None:
    module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).eval()
    for layer, value in zip(module, (3.0, 5.0), strict=True):
        layer.weight.data.fill_(value)
    found = steepness(module, module, [torch.ones(1)])
    assert (found.layers, found.whole) == ((5.0, 3.0), 5.0)


def derivatives(module: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Σ_o |∂f_o/∂w| of each weight, by central differences."""
    found = []
    for weight in quantizable(module).values():
        sums = torch.zeros_like(weight)
        for place in range(weight.numel()):
            error = torch.zeros_like(weight)
            error.view(-1)[place] = 1e-6
            with torch.no_grad():
                weight.add_(error)
                above = module(x)
                weight.sub_(2.0 * error)
                below = module(x)
                weight.add_(error)
            sums.view(-1)[place] = ((above - below) / 2e-6).abs().sum()
        found.append(sums)
    return found


@settings(max_examples=30)
@given(SEEDS)
def test_it_is_the_greatest_derivative_of_all_outputs_together(seed: int) -> None:
    module = smooth_network(seed)
    x = torch.randn(4, dtype=torch.float64)
    found = steepness(module, module, [x])
    # The third derivative times 1e-12, and roundings of 1e-16 over 1e-6.
    expected = [float(sums.max()) for sums in derivatives(module, x)]
    assert found.layers == pytest.approx(expected, rel=1e-6, abs=1e-8)
    assert found.whole == max(found.layers)


@settings(max_examples=30)
@given(SEEDS)
def test_small_errors_stay_below_it(seed: int) -> None:
    module = smooth_network(seed)
    x = torch.randn(4, dtype=torch.float64)
    found = steepness(module, module, [x])
    errors = [torch.randn_like(weight) for weight in quantizable(module).values()]
    sizes = [float(error.abs().sum()) for error in errors]
    by_layer = sum(h * size for h, size in zip(found.layers, sizes, strict=True))
    assert by_layer <= found.whole * sum(sizes) * (1.0 + 1e-12)
    for scale in (1e-4, 1e-6):
        # The remainder is of second order: a hundredth of the error at most at these sizes.
        assert moved(module, x, errors, scale) <= by_layer * scale * (1.0 + 100.0 * scale)


@settings(max_examples=30)
@given(SEEDS)
def test_a_small_error_in_the_steepest_weight_attains_it(seed: int) -> None:
    module = smooth_network(seed)
    x = torch.randn(4, dtype=torch.float64)
    found = steepness(module, module, [x])
    layer = found.layers.index(found.whole)
    errors = [torch.zeros_like(weight) for weight in quantizable(module).values()]
    sums = derivatives(module, x)[layer]
    errors[layer].view(-1)[sums.argmax()] = 1.0
    for scale in (1e-3, 1e-5):
        assert moved(module, x, errors, scale) == pytest.approx(
            found.whole * scale, rel=100.0 * scale
        )


def test_derivatives_of_float32_weights_are_added_in_more_digits() -> None:
    module, small = nn.Linear(1, 1, bias=False).eval(), 2.0**-30
    found = steepness(module, lambda x: torch.cat([module(x), small * module(x)]), [torch.ones(1)])
    assert found.whole == 1.0 + small  # float32 would leave 1


def test_the_greatest_of_the_inputs_counts() -> None:
    module = smooth_network(0)
    inputs = list(torch.randn(3, 4, dtype=torch.float64))
    each = [steepness(module, module, [x]).whole for x in inputs]
    assert steepness(module, module, inputs).whole == max(each)


def test_at_few_bits_an_output_moves_further_than_it_allows() -> None:
    # relu(w·x + 1/20) with w = (1, -1/10) and x = (0, 1) is off, its gradient 0. At 2 bits the
    # small weight is 0 and it is on.
    module = nn.Sequential(nn.Linear(2, 1), nn.ReLU()).eval()
    module[0].weight.data, module[0].bias.data = torch.tensor([[1.0, -0.1]]), torch.tensor([0.05])
    x = torch.tensor([0.0, 1.0])
    found = steepness(module, module, [x])
    errors = {
        bits: output_distortion(
            module, module, [x], bits, quantizer="uniform", granularity=PerChannel()
        )
        for bits in (2, 8)
    }
    assert found.whole == 0.0
    assert errors[2].mean == pytest.approx(0.05)
    assert errors[8].mean == 0.0  # near enough, the linear term is all there is
    assert errors[8].parameter.total > 0.0


def test_flags_and_gradients_are_left_as_they_were() -> None:
    module = smooth_network(0)
    module[0].weight.requires_grad_(False)
    before = [parameter.requires_grad for parameter in module.parameters()]
    with torch.no_grad():
        steepness(module, module, [torch.ones(4, dtype=torch.float64)])
    assert [parameter.requires_grad for parameter in module.parameters()] == before
    assert all(parameter.grad is None for parameter in module.parameters())


def test_a_weight_that_the_output_ignores_has_none() -> None:
    module = nn.ModuleList([nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)]).eval()
    found = steepness(module, module[0], [torch.full((1,), 3.0)])
    assert (found.layers, found.whole) == ((3.0, 0.0), 3.0)


def test_what_has_no_gradient_is_refused() -> None:
    module = smooth_network(0)
    x = torch.ones(4, dtype=torch.float64)
    with pytest.raises(InvalidInput, match="inputs must be a list of at least one, got none"):
        steepness(module, module, [])
    with pytest.raises(InvalidInput, match="module must have a weight that is quantized"):
        steepness(nn.ReLU().eval(), nn.ReLU(), [x])
    with pytest.raises(InvalidInput, match="inputs must be a list of at least one, got Tensor"):
        steepness(module, module, torch.ones(3, 4, dtype=torch.float64))
    with pytest.raises(InvalidInput, match="module must be in evaluation mode, got all of it"):
        steepness(nn.Linear(4, 1), module, [x])
    with pytest.raises(InvalidInput, match="a tensor with gradients, got one without"):
        steepness(module, lambda z: module(z).detach(), [x])
    with pytest.raises(InvalidInput, match="a tensor with gradients, got float"):
        steepness(module, lambda z: float(module(z).detach().sum()), [x])
    with pytest.raises(InvalidInput, match="forward must have finite gradients"):
        steepness(module, lambda z: (module(z) * 0.0).sqrt(), [x])
    with pytest.raises(Unsupported, match="at most 4096 numbers, got 6000"):
        steepness(module, lambda z: module(z).repeat(2000), [x])
