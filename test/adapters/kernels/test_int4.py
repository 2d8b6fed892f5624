# SPDX-License-Identifier: Apache-2.0
"""The 4-bit kernel: what it adds to codes of 4 bits is said, and it is never chosen unasked."""

from __future__ import annotations

import pytest
import torch

from coinfer_ros.adapters.kernels import available, groups, kernel_for
from coinfer_ros.core.quantizers import nested

pytestmark = pytest.mark.skipif(
    "int4" not in {kernel.name for kernel in available("cpu")}, reason="this torch has none"
)


def exponential(*shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    signs = torch.randn(*shape, generator=generator).sign()
    return signs * -torch.log1p(-torch.rand(*shape, generator=generator))


def test_its_error_on_codes_of_4_bits_is_in_its_weights() -> None:
    weight = exponential(64, 512)
    decoded = torch.from_numpy(nested.decode(nested.encode(weight.numpy()), 4))
    coded = (decoded - weight).abs().mean()
    in_4 = (kernel_for(4, "cpu", "int4").pack(decoded, None).weight() - weight).abs().mean()
    in_8 = (kernel_for(4, "cpu", "int8").pack(decoded, None).weight() - weight).abs().mean()
    # Nested levels are uneven, those of a group are even: to meet in 16 levels costs.
    assert in_8 < 1.05 * coded < in_4 < 2 * coded


def test_even_codes_of_4_bits_pass_unrounded() -> None:
    codes = torch.randint(0, 16, (32, 64), generator=torch.Generator().manual_seed(0))
    codes[:, ::32], codes[:, 1::32] = 0, 15  # each group uses the whole range
    weight = (codes - 8) * 2.0**-4
    assert torch.equal(kernel_for(4, "cpu", "int4").pack(weight, None).weight(), weight)


def test_a_group_of_large_weights_costs_other_groups_nothing() -> None:
    weight = exponential(32, 96)
    alone = groups.restored(*groups.quantized(weight))
    weight[:, :32] *= 1e3
    beside = groups.restored(*groups.quantized(weight))
    assert torch.equal(alone[:, 32:], beside[:, 32:])


@pytest.mark.parametrize(
    ("inputs", "outputs", "reason"),
    [(48, 32, "in_features must be a multiple of 32"), (64, 24, "out_features must be a")],
)
def test_other_sizes_are_refused_with_the_reason(inputs: int, outputs: int, reason: str) -> None:
    refusal = kernel_for(4, "cpu", "int4").refuses(torch.nn.Linear(inputs, outputs))
    assert refusal.startswith(reason)


@pytest.mark.parametrize("bits", [2, 3, 4])
def test_it_runs_only_when_asked_for_by_name(bits: int) -> None:
    assert kernel_for(bits, "cpu").name != "int4"
    assert kernel_for(bits, "cpu", "int4").name == "int4"
