# SPDX-License-Identifier: Apache-2.0
"""The 8-bit kernels: every shape, tokens apart from each other, codes that pass unrounded."""

from __future__ import annotations

import pytest
import torch

from coinfer_ros.adapters.kernels import Kernel, kernel_for
from coinfer_ros.core.quantizers import nested


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("outputs", "inputs"), [(1, 1), (7, 5), (33, 17), (100, 3), (3, 100)])
def test_odd_sizes_run_or_are_refused_with_the_reason(
    int8: Kernel, outputs: int, inputs: int
) -> None:
    refusal = int8.refuses(torch.nn.Linear(inputs, outputs))
    if int8.device.type == "cuda":
        assert refusal == "in_features and out_features must be multiples of 8"
        return
    assert not refusal
    weight, x = random(outputs, inputs), random(11, inputs)
    packed = int8.pack(weight, None)
    wanted = x @ packed.weight().t()
    allowed = x.abs().amax(1, keepdim=True) / 127 / 2 * packed.weight().abs().sum(1)
    assert ((packed(x) - wanted).abs() <= 1.01 * allowed).all()


def test_a_large_token_costs_the_others_nothing(int8: Kernel) -> None:
    packed, x = int8.pack(random(64, 96), None), random(40, 96).to(int8.device)
    alone = packed(x)
    x[7] *= 1e4
    beside = packed(x)
    others = torch.arange(40) != 7
    bound = 1e-6 if type(int8).__name__ == "Int8QNNPACK" else 0.0  # all pass one scale of about 1
    assert (beside[others] - alone[others]).abs().max() <= bound * alone.abs().max()


def test_codes_of_8_bits_pass_unrounded(int8: Kernel) -> None:
    codes = torch.randint(-127, 128, (64, 96), generator=torch.Generator().manual_seed(0))
    codes[:, 0] = 127
    weight = codes.float() * 2.0**-7
    assert torch.equal(int8.pack(weight, None).weight(), weight)


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6])
def test_nested_codes_of_fewer_bits_hardly_change(bits: int) -> None:
    weight = random(64, 512).sign() * -torch.log(torch.rand(64, 512))
    decoded = torch.from_numpy(nested.decode(nested.encode(weight.numpy()), bits))
    used = kernel_for(bits, "cpu").pack(decoded, None).weight()
    coded, run = (decoded - weight).abs().mean(), (used - weight).abs().mean()
    # Rounding adds an error of at most half a step, in no relation to the code's own.
    half_step = decoded.abs().amax(1).mean() / 127 / 2
    assert abs(run - coded) <= half_step
