# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on ARM CPUs, through QNNPACK.

QNNPACK knows one scale for all activations; tokens are brought to one magnitude before, so that
each has its own in effect.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch

from coinfer_ros.adapters.kernels import machine, rows
from coinfer_ros.adapters.kernels.kernel import Int8Kernel

ENGINE = "qnnpack"


class Int8QNNPACKLinear:
    """One layer as QNNPACK lays it out; it keeps the codes beside its own layout."""

    def __init__(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> None:
        self._packed = _prepacked(codes, scales.double())
        self._bias = torch.zeros(len(codes)) if bias is None else bias.detach().float()
        self.bytes = 2 * codes.nbytes + 3 * scales.nbytes + self._bias.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        tokens = x.reshape(-1, x.shape[-1]).float()  # (M, I)
        scales = rows.scales_of(tokens)
        even = (tokens * scales.reciprocal()).nan_to_num_(0.0)  # NaN comes back with the scale
        y = torch.ops.quantized.linear_dynamic(even, self._packed)
        y = torch.addcmul(self._bias, y, scales, out=y)
        return y.view(*x.shape[:-1], y.shape[-1]).to(x.dtype)

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return codes times scales."""
        found: torch.Tensor = torch.ops.quantized.linear_unpack(self._packed)[0].dequantize()[rows]
        return found


class Int8QNNPACK(Int8Kernel):
    """8-bit codes of weights and activations, added up in 32 bits."""

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for an ARM CPU and a torch that was built with QNNPACK."""
        if device.type != "cpu" or not machine.is_arm():
            return "it is for ARM CPUs"
        there = ENGINE in torch.backends.quantized.supported_engines
        return "" if there else "this torch has no QNNPACK"

    def pack_codes(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> Int8QNNPACKLinear:
        """Lay a layer's codes out."""
        return Int8QNNPACKLinear(codes, scales, bias)


def _prepacked(codes: torch.Tensor, scales: torch.Tensor) -> Any:
    """Lay codes out for QNNPACK, whichever engine the process has chosen."""
    chosen = torch.backends.quantized.engine
    torch.backends.quantized.engine = ENGINE
    try:
        with warnings.catch_warnings():  # torch means to move these types to another package
            warnings.simplefilter("ignore", UserWarning)
            zeros = torch.zeros(len(codes), dtype=torch.long)
            rounded = torch._make_per_channel_quantized_tensor(codes, scales, zeros, 0)
            return torch.ops.quantized.linear_prepack(rounded, None)
    finally:
        torch.backends.quantized.engine = chosen
