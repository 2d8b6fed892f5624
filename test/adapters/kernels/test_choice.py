# SPDX-License-Identifier: Apache-2.0
"""Which kernel runs a width: never a narrower one, never another than the one asked for."""

from __future__ import annotations

import pytest
import torch

from coinfer_ros.adapters.kernels import AUTO, NAMES, available, kernel_for
from coinfer_ros.core.errors import Unsupported
from coinfer_ros.core.model import WEIGHT_BITS

CPU = torch.device("cpu")


@pytest.mark.parametrize("bits", [*WEIGHT_BITS, 32])
def test_the_narrowest_that_pays_is_chosen(bits: int) -> None:
    chosen = kernel_for(bits, "cpu")
    assert chosen.bits >= bits
    assert not chosen.lags(CPU)
    narrower = [k for k in available("cpu") if bits <= k.bits < chosen.bits]
    assert all(kernel.lags(CPU) for kernel in narrower)


@pytest.mark.parametrize("bits", [*WEIGHT_BITS, 32])
def test_a_name_is_that_kernel_or_a_refusal_with_those_that_would_do(bits: int) -> None:
    for kernel in available("cpu"):
        if kernel.bits >= bits:
            assert kernel_for(bits, "cpu", kernel.name) is kernel
        else:
            wide = [k.name for k in available("cpu") if k.bits >= bits]
            with pytest.raises(Unsupported) as refusal:
                kernel_for(bits, "cpu", kernel.name)
            assert str(refusal.value) == (
                f"kernel must hold {bits} bits, as {', '.join([AUTO, *wide])} do, "
                f"got {kernel.name!r} with {kernel.bits}"
            )


def test_a_kernel_of_another_device_is_refused_with_the_reason() -> None:
    with pytest.raises(Unsupported, match="on cpu, got 'float16': it is for GPUs"):
        kernel_for(8, "cpu", "float16")


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    there = ", ".join([AUTO, *(kernel.name for kernel in available("cpu"))])
    with pytest.raises(Unsupported) as refusal:
        kernel_for(8, "cpu", "int9")
    assert str(refusal.value) == f"kernel must be one of {there} on cpu, got 'int9'"


def test_float32_runs_everywhere() -> None:
    assert "float32" in {kernel.name for kernel in available("cpu")}
    assert "float32" in {kernel.name for kernel in available("meta")}


def test_one_device_has_one_kernel_of_a_name() -> None:
    names = [kernel.name for kernel in available("cpu")]
    assert len(names) == len(set(names))
    assert set(names) <= set(NAMES)
