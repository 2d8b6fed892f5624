# SPDX-License-Identifier: Apache-2.0
"""What every kernel keeps to, on every device that this machine has."""

from __future__ import annotations

import pytest
import torch

from coinfer_ros.adapters.kernels import Kernel
from coinfer_ros.core.errors import InvalidInput

OUTPUTS, INPUTS = 48, 96
# The coarsest floating-point type that any of them computes in is bfloat16.
UNIT = torch.finfo(torch.bfloat16).eps


@pytest.fixture
def weight() -> torch.Tensor:
    return torch.randn(OUTPUTS, INPUTS, generator=torch.Generator().manual_seed(0)) / 10


@pytest.fixture
def bias() -> torch.Tensor:
    return torch.linspace(-1.0, 1.0, OUTPUTS)


def tokens(kernel: Kernel, *shape: int) -> torch.Tensor:
    """Tokens of very different magnitudes."""
    x = torch.randn(*shape, INPUTS, generator=torch.Generator().manual_seed(1))
    sizes = torch.logspace(-2, 2, max(1, x[..., 0].numel())).view(*shape, 1)
    return (x * sizes).to(kernel.device)


def test_a_layer_computes_with_the_weights_that_it_says(
    kernel: Kernel, weight: torch.Tensor, bias: torch.Tensor
) -> None:
    packed, x = kernel.pack(weight, bias), tokens(kernel, 2, 20)
    used, given = packed.weight(), x.cpu()
    wanted = given.double() @ used.double().t() + bias
    # A code of a token is off by half a step of its largest value; a float by half a unit, as
    # activation, as widened weight and as sum.
    steps = given.abs().amax(-1, keepdim=True) / 127 / 2 * used.abs().sum(-1)
    floats = 2 * UNIT * (given.abs() @ used.abs().t() + bias.abs())
    error = (packed(x).cpu() - wanted).abs()
    assert (error <= floats + (steps if kernel.name == "int8" else 0.0)).all()


def test_its_weights_are_the_given_ones_but_for_half_a_step(
    kernel: Kernel, weight: torch.Tensor
) -> None:
    used = kernel.pack(weight, None).weight()
    half_step = {
        "int8": weight.abs().amax(1, keepdim=True) / 127 / 2,
        # a group spans at most twice the row's largest; its offset and the sum are bfloat16
        "int4": weight.abs().amax(1, keepdim=True) * (2 / 15 / 2 + 2 * UNIT),
    }.get(kernel.name, torch.zeros(OUTPUTS, 1))
    floats = 0.0 if kernel.name == "float32" else UNIT * weight.abs()
    assert ((used - weight).abs() <= half_step + floats).all()
    assert used.dtype == torch.float32
    assert used.device.type == "cpu"


def test_some_rows_are_those_of_all(kernel: Kernel, weight: torch.Tensor) -> None:
    packed = kernel.pack(weight, None)
    assert torch.equal(packed.weight(slice(1, None, 7)), packed.weight()[1::7])


@pytest.mark.parametrize("shape", [(), (0,), (1,), (40,), (2, 5), (3, 0)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_shape_and_type_of_the_tokens_are_kept(
    kernel: Kernel, weight: torch.Tensor, shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = torch.ones(*shape, INPUTS, device=kernel.device, dtype=dtype)
    y = kernel.pack(weight, None)(x)
    assert (y.shape, y.dtype, y.device) == ((*shape, OUTPUTS), dtype, x.device)


def test_tokens_may_lie_anyhow_in_memory_and_are_left_as_they_are(
    kernel: Kernel, weight: torch.Tensor, bias: torch.Tensor
) -> None:
    packed, x = kernel.pack(weight, bias), tokens(kernel, 20)
    strided, before = x.t().contiguous().t(), x.clone()
    assert torch.equal(packed(strided), packed(x))
    assert torch.equal(x, before)


def test_no_bias_is_a_bias_of_zero(kernel: Kernel, weight: torch.Tensor) -> None:
    x = tokens(kernel, 20)
    zero = kernel.pack(weight, torch.zeros(OUTPUTS))(x)
    assert torch.equal(kernel.pack(weight, None)(x), zero)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(
    kernel: Kernel, weight: torch.Tensor, bad: float
) -> None:
    weight[3, 5] = bad
    with pytest.raises(InvalidInput, match="weight must be finite, got"):
        kernel.pack(weight, None)


def test_rows_of_zeros_stay_zero(kernel: Kernel, weight: torch.Tensor) -> None:
    weight[3] = 0.0
    packed = kernel.pack(weight, None)
    assert (packed.weight()[3] == 0.0).all()
    assert (packed(torch.zeros(4, INPUTS, device=kernel.device)) == 0.0).all()


def test_a_token_that_is_not_finite_never_becomes_a_finite_answer(
    kernel: Kernel, weight: torch.Tensor
) -> None:
    x = tokens(kernel, 40)
    x[3, 5], x[4, 6] = float("nan"), float("inf")
    y = kernel.pack(weight, None)(x)
    assert not y[3:5].isfinite().any()
    assert y[:3].isfinite().all()
    assert y[5:].isfinite().all()


def test_bytes_count_what_is_held(kernel: Kernel) -> None:
    weight = torch.ones(512, 1024)
    a_weight = {"int4": 0.5 + 4 / 32, "bfloat16": 2, "float16": 2, "float32": 4}
    least = weight.numel() * a_weight.get(kernel.name, 1)
    held = kernel.pack(weight, None).bytes
    twice = 2 if type(kernel).__name__ == "Int8QNNPACK" else 1  # torch keeps the codes beside
    assert least <= held <= 1.02 * twice * least
