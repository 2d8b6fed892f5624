# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in a floating-point type: the widest kernels, and the one always there."""

from __future__ import annotations

import torch
from torch.nn import functional

from coinfer_ros.adapters.kernels import machine, rows
from coinfer_ros.adapters.kernels.kernel import Kernel


class DenseLinear:
    """One layer whose weights are of the type that computes."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self._weight, self._bias = weight, bias
        self.bytes = weight.nbytes + (0 if bias is None else bias.nbytes)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        y = functional.linear(x.to(self._weight.dtype), self._weight, self._bias)
        return y.to(x.dtype)

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return the weights as they are stored."""
        return self._weight[rows].to("cpu", torch.float32)


class Dense(Kernel):
    """A kernel of one floating-point type."""

    dtype: torch.dtype

    @staticmethod
    def lacks(device: torch.device) -> str:  # noqa: ARG004
        """Return nothing: it runs everywhere."""
        return ""

    def pack(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        factors: torch.Tensor | None = None,  # noqa: ARG002
    ) -> DenseLinear:
        """Put a layer on the device in this type."""
        rows.finite(rows.scales_of(weight))
        moved = None if bias is None else bias.detach().to(self.device, self.dtype)
        return DenseLinear(weight.detach().to(self.device, self.dtype), moved)


class Float32(Dense):
    """Full precision, on every device."""

    name, bits, dtype = "float32", 32, torch.float32


class BFloat16(Dense):
    """Half the memory, 8 bits of precision, the range of float32."""

    name, bits, dtype = "bfloat16", 16, torch.bfloat16

    @staticmethod
    def lags(device: torch.device) -> str:
        """Ask for matrix units: a CPU that only has the instructions is quicker in float32."""
        return "" if device.type != "cpu" or machine.multiplies_bfloat16() else "no AMX"


class Float16(Dense):
    """Half the memory, 11 bits of precision, on GPUs."""

    name, bits, dtype = "float16", 16, torch.float16

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for a GPU."""
        return "" if device.type == "cuda" else "it is for GPUs"
