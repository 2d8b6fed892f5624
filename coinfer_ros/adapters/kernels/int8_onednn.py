# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on x86 CPUs, through oneDNN.

Each weight row has a scale, and each token, found anew at each call: a token of large values, as
vision transformers have, does not cost all others their precision.
"""

from __future__ import annotations

from typing import cast

import torch

from coinfer_ros.adapters.kernels import machine, rows
from coinfer_ros.adapters.kernels.kernel import Int8Kernel

# oneDNN multiplies unsigned by signed bytes. Signed by signed is in its packed form a reference
# loop, ten thousand times slower, and nothing says so.
ZERO_POINT = 128


class Int8OneDNNLinear:
    """One layer as oneDNN lays it out."""

    def __init__(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(codes, None)
        self._scales = scales
        self._zeros = torch.zeros(len(codes), dtype=torch.int32)
        self._bias = torch.zeros(len(codes)) if bias is None else bias.detach().float()
        self.bytes = codes.nbytes + self._scales.nbytes + self._zeros.nbytes + self._bias.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        tokens = x.reshape(-1, x.shape[-1]).float()  # (M, I)
        scales = rows.scales_of(tokens)
        shifted = rows.codes_of(tokens, scales).view(torch.uint8).bitwise_xor_(ZERO_POINT)
        y = _multiply(shifted, self._packed, self._scales, self._zeros)
        y = torch.addcmul(self._bias, y, scales, out=y)
        return y.view(*x.shape[:-1], y.shape[-1]).to(x.dtype)

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return codes times scales."""
        codes: torch.Tensor = self._packed.to_dense().t()
        return codes[rows] * self._scales[rows, None]


class Int8OneDNN(Int8Kernel):
    """8-bit codes of weights and activations, added up in 32 bits."""

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for an x86 CPU whose 8-bit products are exact."""
        if device.type != "cpu" or not machine.is_x86():
            return "it is for x86 CPUs"
        return _fault()

    def pack_codes(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> Int8OneDNNLinear:
        """Lay a layer's codes out."""
        return Int8OneDNNLinear(codes, scales, bias)


def _multiply(
    shifted: torch.Tensor, packed: torch.Tensor, scales: torch.Tensor, zeros: torch.Tensor
) -> torch.Tensor:
    """Multiply codes (M, I), shifted to unsigned, by packed ones; return (M, O) float32."""
    y = torch.ops.onednn.qlinear_pointwise(
        shifted, 1.0, ZERO_POINT, packed, scales, zeros, None, 1.0, 0, torch.float32, "none", [], ""
    )
    return cast(torch.Tensor, y)


def _fault() -> str:
    """Multiply the largest codes there are: without VNNI pairs of products overflow 16 bits."""
    inputs, outputs = 256, 64
    try:
        codes = torch.full((outputs, inputs), 127, dtype=torch.int8)
        packed = torch.ops.onednn.qlinear_prepack(codes, None)
        shifted = torch.full((outputs, inputs), 255, dtype=torch.uint8)
        zeros = torch.zeros(outputs, dtype=torch.int32)
        y = _multiply(shifted, packed, torch.ones(outputs), zeros)
    except (AttributeError, RuntimeError) as error:
        return f"this torch has no oneDNN for it ({str(error).splitlines()[0]})"
    return "" if (y == inputs * 127 * 127).all() else "this CPU has no 8-bit products (VNNI)"
