# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on x86 CPUs, through oneDNN."""

from __future__ import annotations

from typing import cast

import torch

from coinfer_ros.adapters.kernels import machine, rows
from coinfer_ros.adapters.kernels.int8 import Int8Kernel, Int8Linear

# oneDNN multiplies unsigned by signed bytes. Signed by signed is in its packed form a reference
# loop, ten thousand times slower, and nothing says so.
ZERO_POINT = 128


class Int8OneDNNLinear(Int8Linear):
    """One layer as oneDNN lays it out."""

    def _lay_out(self, codes: torch.Tensor) -> int:
        self._packed = torch.ops.onednn.qlinear_prepack(codes, None)
        self._zeros = torch.zeros(len(codes), dtype=torch.int32)
        return codes.nbytes + self._zeros.nbytes

    def _multiply(self, steps: torch.Tensor) -> torch.Tensor:
        shifted = rows.rounded(steps).view(torch.uint8).bitwise_xor_(ZERO_POINT)
        return _product(shifted, self._packed, self._scales, self._zeros)

    def _codes(self) -> torch.Tensor:
        return cast(torch.Tensor, self._packed.to_dense()).t()


class Int8OneDNN(Int8Kernel):
    """8 bits on x86 CPUs with VNNI."""

    linear = Int8OneDNNLinear

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for an x86 CPU whose 8-bit products are exact."""
        if device.type != "cpu" or not machine.is_x86():
            return "it is for x86 CPUs"
        return _fault()


def _product(
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
        y = _product(shifted, packed, torch.ones(outputs), zeros)
    except (AttributeError, RuntimeError) as error:
        return f"this torch has no oneDNN for it ({str(error).splitlines()[0]})"
    return "" if (y == inputs * 127 * 127).all() else "this CPU has no 8-bit products (VNNI)"
