# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers in 8-bit integers on x86 CPUs: one scale a weight row, one a token.

The tokens' scales are found anew at each call. A scale a token keeps one token of large values
from costing all others their precision, which vision transformers would suffer from.
"""

from __future__ import annotations

import platform

import torch
from torch import nn

from coinfer_ros.adapters.kernels import rows

# oneDNN multiplies unsigned by signed bytes; signed by signed has no fast path in its packed form
# (a thousand times slower, without a word).
ZERO_POINT = 128


class Int8OneDNNLinear:
    """One layer as oneDNN lays it out."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        found, scales = rows.quantized(weight)
        self._packed = torch.ops.onednn.qlinear_prepack(found, None)
        self._scales = scales.flatten()
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = None if bias is None else bias.to(torch.float32)
        self.bytes = found.nbytes + scales.nbytes + self._zeros.nbytes
        self.bytes += 0 if bias is None else self._bias.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.reshape(-1, x.shape[-1]).to(torch.float32)
        scales = rows.peaks(tokens).div_(127)
        shifted = rows.codes(tokens, scales).view(torch.uint8).bitwise_xor_(ZERO_POINT)
        y = self._multiply(shifted)
        if self._bias is None:
            y.mul_(scales)
        else:
            torch.addcmul(self._bias, y, scales, out=y)
        return y.view(*x.shape[:-1], y.shape[-1]).to(x.dtype)

    def weight(self) -> torch.Tensor:
        return self._packed.to_dense().t() * self._scales[:, None]

    def _multiply(self, shifted: torch.Tensor) -> torch.Tensor:
        return torch.ops.onednn.qlinear_pointwise(
            shifted, 1.0, ZERO_POINT, self._packed, self._scales, self._zeros,
            None, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
