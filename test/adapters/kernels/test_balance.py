# SPDX-License-Identifier: Apache-2.0
"""Channels of very different size, shared out between activations and weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from coinfer_ros.adapters.kernels import Kernel, SwitchableLinear, kernel_for, observe
from coinfer_ros.adapters.kernels.balance import factors_of

OUTPUTS, INPUTS = 64, 96


@pytest.fixture
def sizes() -> torch.Tensor:
    """How large each channel is."""
    return torch.logspace(-5, 5, INPUTS, base=2.0)


@pytest.fixture
def slot(sizes: torch.Tensor) -> SwitchableLinear:
    torch.manual_seed(0)
    linear = nn.Linear(INPUTS, OUTPUTS)
    linear.weight = nn.Parameter(torch.randn(OUTPUTS, INPUTS) / sizes)
    found = SwitchableLinear(linear)
    found.packed = kernel_for(32, "cpu").pack(linear.weight, linear.bias)
    return found


def seen(sizes: torch.Tensor, seed: int) -> torch.Tensor:
    return torch.randn(2, 20, INPUTS, generator=torch.Generator().manual_seed(seed)) * sizes


def test_what_was_observed_makes_8_bits_true_elsewhere(
    int8: Kernel, slot: SwitchableLinear, sizes: torch.Tensor
) -> None:
    x, weight = seen(sizes, 1), slot.packed.weight()
    wanted = slot(x)
    observe(slot, lambda: slot(seen(sizes, 2)))

    def error(factors: torch.Tensor | None) -> torch.Tensor:
        found = int8.pack(weight, slot.bias, factors)(x.to(int8.device)).cpu()
        return (found - wanted).norm() / wanted.norm()

    # Even channels of normal values: a step is 3 or so of their deviations over 127, its rounding
    # 1 / sqrt(12) of it, twice; powers of two leave channels apart by up to 2.
    assert error(slot.factors) < 2 * 3 / 127 * (2 / 12) ** 0.5
    assert error(None) > 5 * error(slot.factors)


def test_weights_are_said_as_they_are_without_balance(
    int8: Kernel, slot: SwitchableLinear, sizes: torch.Tensor
) -> None:
    weight = slot.packed.weight()
    factors = factors_of(weight, sizes)
    packed = int8.pack(weight, None, factors)
    even = weight / factors
    half_step = even.abs().amax(1, keepdim=True) / 127 / 2 * factors
    assert ((packed.weight() - weight).abs() <= 1.001 * half_step).all()
    assert torch.equal(packed.weight(slice(None, None, 5)), packed.weight()[::5])


def test_factors_are_powers_of_two(slot: SwitchableLinear, sizes: torch.Tensor) -> None:
    factors = factors_of(slot.packed.weight(), sizes)
    assert (torch.frexp(factors).mantissa == 0.5).all()


@pytest.mark.parametrize("apart", [1.0, 4.0])
def test_channels_of_about_one_size_are_left_alone(apart: float) -> None:
    peaks = torch.linspace(1.0, apart, INPUTS)
    assert factors_of(torch.ones(OUTPUTS, INPUTS), peaks) is None


def test_a_channel_that_was_not_seen_keeps_its_weights() -> None:
    weight, peaks = torch.ones(OUTPUTS, INPUTS), torch.ones(INPUTS)
    weight[:, 3], peaks[5] = 0.0, 0.0
    factors = factors_of(weight, peaks)
    used = kernel_for(8, "cpu").pack(weight, None, factors).weight()
    # 64 times smaller at most is 8 times on either side: half a step of at most 8 / 127.
    assert ((used - weight).abs() <= 8 / 127 / 2).all()


def test_nothing_seen_at_all_is_left_alone() -> None:
    assert factors_of(torch.ones(OUTPUTS, INPUTS), torch.zeros(INPUTS)) is None


def test_a_layer_that_never_ran_has_no_factors_and_none_is_watched_after(
    slot: SwitchableLinear, sizes: torch.Tensor
) -> None:
    idle = SwitchableLinear(nn.Linear(INPUTS, OUTPUTS))
    observe(nn.ModuleList([slot, idle]), lambda: slot(seen(sizes, 2)))
    assert slot.factors is not None
    assert idle.factors is None
    assert not slot._forward_pre_hooks


def test_watching_ends_when_the_run_fails(slot: SwitchableLinear) -> None:
    with pytest.raises(ZeroDivisionError):
        observe(slot, lambda: 1 / 0)
    assert not slot._forward_pre_hooks
