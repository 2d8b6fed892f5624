# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on ARM CPUs, through QNNPACK.

QNNPACK knows one scale for all activations; tokens are brought to one magnitude before, so that
each has its own in effect.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import torch

from coinfer_ros.adapters.kernels import machine
from coinfer_ros.adapters.kernels.int8 import Int8Kernel, Int8Linear

ENGINE = "qnnpack"


class Int8QNNPACKLinear(Int8Linear):
    """One layer as QNNPACK lays it out; torch keeps the codes and their scales beside."""

    def _lay_out(self, codes: torch.Tensor) -> int:
        self._packed = _prepacked(codes, self._scales.double())
        return 2 * codes.nbytes + 2 * self._scales.nbytes

    def _multiply(self, steps: torch.Tensor) -> torch.Tensor:
        steps.nan_to_num_(0.0)  # it refuses NaN, which comes back with the scale
        return cast(torch.Tensor, torch.ops.quantized.linear_dynamic(steps, self._packed))

    def _codes(self) -> torch.Tensor:
        rounded, _bias = torch.ops.quantized.linear_unpack(self._packed)
        return cast(torch.Tensor, rounded.int_repr())


class Int8QNNPACK(Int8Kernel):
    """8 bits on ARM CPUs."""

    linear = Int8QNNPACKLinear

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask for an ARM CPU and a torch that was built with QNNPACK."""
        if device.type != "cpu" or not machine.is_arm():
            return "it is for ARM CPUs"
        there = ENGINE in torch.backends.quantized.supported_engines
        return "" if there else "this torch has no QNNPACK"


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
