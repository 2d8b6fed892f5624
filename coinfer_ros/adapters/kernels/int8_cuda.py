# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on NVIDIA GPUs, through cuBLAS."""

from __future__ import annotations

import torch
from torch.nn import functional

from coinfer_ros.adapters.kernels import rows
from coinfer_ros.adapters.kernels.int8 import Int8Kernel, Int8Linear
from coinfer_ros.adapters.kernels.kernel import Shaped

# cuBLAS multiplies no fewer tokens, and sides that are multiples of this.
TOKENS_LEAST = 32
SIDE = 8


class Int8CudaLinear(Int8Linear):
    """One layer as rows of codes."""

    def _lay_out(self, codes: torch.Tensor) -> int:
        self._rows = codes
        return codes.nbytes

    def _multiply(self, steps: torch.Tensor) -> torch.Tensor:
        codes = rows.rounded(steps)
        lacking = max(0, TOKENS_LEAST - len(codes))
        padded = functional.pad(codes, (0, 0, 0, lacking)) if lacking else codes
        sums = torch._int_mm(padded, self._rows.t())  # (M, O) int32
        return sums[: len(codes)] * self._scales

    def _codes(self) -> torch.Tensor:
        return self._rows


class Int8Cuda(Int8Kernel):
    """8 bits on NVIDIA GPUs."""

    linear = Int8CudaLinear

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for an NVIDIA GPU."""
        return "" if device.type == "cuda" else "it is for NVIDIA GPUs"

    @staticmethod
    def lags(device: torch.device) -> str:  # noqa: ARG004
        """Say that rounding the activations takes longer than 8 bits save."""
        return "it starts a dozen kernels a layer where float16 starts one"

    def refuses(self, linear: Shaped) -> str:
        """Ask for sides of multiples of 8."""
        odd = linear.in_features % SIDE or linear.out_features % SIDE
        return f"in_features and out_features must be multiples of {SIDE}" if odd else ""
