# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on NVIDIA GPUs: one scale a weight row, one a token."""

from __future__ import annotations

import torch
from torch.nn import functional

from coinfer_ros.adapters.kernels import rows
from coinfer_ros.adapters.kernels.kernel import Int8Kernel, Shaped

# cuBLAS multiplies no fewer tokens, and sides that are multiples of this.
TOKENS_LEAST = 32
SIDE = 8


class Int8CudaLinear:
    """One layer as rows of codes."""

    def __init__(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> None:
        self._codes, self._scales = codes, scales
        self._bias = torch.zeros_like(self._scales) if bias is None else bias.detach().to(scales)
        self.bytes = codes.nbytes + self._scales.nbytes + self._bias.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        tokens = x.reshape(-1, x.shape[-1]).float()  # (M, I)
        scales = rows.scales_of(tokens)
        codes = rows.codes_of(tokens, scales)
        lacking = max(0, TOKENS_LEAST - len(codes))
        padded = functional.pad(codes, (0, 0, 0, lacking)) if lacking else codes
        y = torch._int_mm(padded, self._codes.t())[: len(codes)] * self._scales
        y = torch.addcmul(self._bias, y, scales)
        return y.view(*x.shape[:-1], y.shape[-1]).to(x.dtype)

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return codes times scales."""
        return (self._codes[rows] * self._scales[rows, None]).cpu()


class Int8Cuda(Int8Kernel):
    """8-bit codes of weights and activations, added up in 32 bits."""

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for an NVIDIA GPU."""
        return "" if device.type == "cuda" else "it is for NVIDIA GPUs"

    @staticmethod
    def lags(device: torch.device) -> str:  # noqa: ARG004
        """Say that rounding the activations takes longer than 8 bits save."""
        return "it starts eight kernels a layer where float16 starts one"

    def refuses(self, linear: Shaped) -> str:
        """Ask for sides of multiples of 8."""
        odd = linear.in_features % SIDE or linear.out_features % SIDE
        return f"in_features and out_features must be multiples of {SIDE}" if odd else ""

    def pack_codes(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> Int8CudaLinear:
        """Bring a layer's codes to the device."""
        return Int8CudaLinear(codes.to(self.device), scales.to(self.device), bias)
