# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in a floating-point type: the widest kernels, and the one always there."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from coinfer_ros.adapters.kernels.rows import largest


class DenseLinear:
    """One layer whose weights are of the type that computes."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._weight, self._bias = weight, bias
        self.bytes = weight.nbytes + (0 if bias is None else bias.nbytes)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.linear(x.to(self._weight.dtype), self._weight, self._bias)
        return y.to(x.dtype)

    def weight(self) -> torch.Tensor:
        return self._weight.to("cpu", torch.float32)


class _Dense:
    dtype: torch.dtype

    def __init__(self, device: torch.device) -> None:
        self._device = device

    @staticmethod
    def lacks(device: torch.device) -> str:  # noqa: ARG004
        return ""

    def refuses(self, linear: nn.Linear) -> str:  # noqa: ARG002
        return ""

    def pack(self, weight: torch.Tensor, bias: torch.Tensor | None) -> DenseLinear:
        largest(weight)
        moved = None if bias is None else bias.to(self._device, self.dtype)
        return DenseLinear(weight.to(self._device, self.dtype), moved)


class Float32(_Dense):
    """Full precision, on every device."""

    name, bits, dtype = "float32", 32, torch.float32


class BFloat16(_Dense):
    """Half the memory. Without matrix units (AMX on x86) a CPU is slower with it than without."""

    name, bits, dtype = "bfloat16", 16, torch.bfloat16


class Float16(_Dense):
    """Half the memory and three more bits than bfloat16, on GPUs."""

    name, bits, dtype = "float16", 16, torch.float16

    @staticmethod
    def lacks(device: torch.device) -> str:
        return "" if device.type == "cuda" else "it is for GPUs, a CPU computes it in float32"
