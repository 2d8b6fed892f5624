# SPDX-License-Identifier: Apache-2.0
"""Runs linear layers from 4-bit weights, with a scale and an offset for each 32, in bfloat16.

For memory rather than speed: weights are widened as they are multiplied, which pays for one token
at a time, as in generating text, and costs more than it saves for an image's hundreds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch

from coinfer_ros.adapters.kernels import groups
from coinfer_ros.adapters.kernels.kernel import Kernel, Shaped

# torch's layout takes this many outputs at a time.
OUTPUTS = 16
# Tiles of 16 inputs that a GPU's thread block takes together; the largest that divides a row.
INNER_TILES = (8, 4, 2)

Multiply = Callable[[torch.Tensor, torch.Tensor, int, torch.Tensor], torch.Tensor]


class Int4Linear:
    """One layer as torch lays 4-bit codes out for one device.

    :param packed: the codes in that layout.
    :param scales: (I / GROUP, O, 2) scales and middles, bfloat16.
    """

    def __init__(
        self,
        multiply: Multiply,
        packed: torch.Tensor,
        scales: torch.Tensor,
        bias: torch.Tensor | None,
    ) -> None:
        self._multiply, self._packed, self._scales = multiply, packed, scales
        given = torch.zeros(scales.shape[1]) if bias is None else bias.detach().float()
        self._bias = given.to(scales.device)
        self.bytes = packed.nbytes + scales.nbytes + self._bias.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        tokens = x.reshape(-1, x.shape[-1]).bfloat16().contiguous()  # (M, I)
        if not len(tokens):  # CUDA refuses to start on nothing
            return x.new_empty(*x.shape[:-1], len(self._bias))
        y = self._multiply(tokens, self._packed, groups.GROUP, self._scales)
        y = y + self._bias  # in float32
        return y.view(*x.shape[:-1], y.shape[-1]).to(x.dtype)

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return what the kernel makes of each input alone: its layout is its own."""
        inputs = self._scales.shape[0] * groups.GROUP
        alone = torch.eye(inputs, dtype=torch.bfloat16, device=self._scales.device)
        y = self._multiply(alone, self._packed, groups.GROUP, self._scales)  # (I, O)
        return y[:, rows].t().to("cpu", torch.float32)


class Int4(Kernel):
    """4-bit codes of weights, activations in bfloat16."""

    name, bits = "int4", 4

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Ask torch to multiply a small layer right: its layouts have changed before."""
        there = device.type in {"cpu", "cuda"}
        return _fault(device) if there else "it is for CPUs and NVIDIA GPUs"

    @staticmethod
    def lags(device: torch.device) -> str:  # noqa: ARG004
        """Say that 4 bits are for single tokens."""
        return "it widens weights anew for every few tokens"

    def refuses(self, linear: Shaped) -> str:
        """Ask for whole groups and whole tiles."""
        if linear.in_features % groups.GROUP:
            return f"in_features must be a multiple of {groups.GROUP}"
        odd = linear.out_features % OUTPUTS
        return f"out_features must be a multiple of {OUTPUTS}" if odd else ""

    def pack(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        factors: torch.Tensor | None = None,  # noqa: ARG002
    ) -> Int4Linear:
        """Round a layer's groups to 4 bits and lay them out."""
        codes, scales = groups.quantized(weight.to(self.device))
        return _laid_out(codes, scales, bias)


def _laid_out(codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None) -> Int4Linear:
    if codes.is_cuda:
        pairs = (codes[:, ::2] << 4 | codes[:, 1::2]).to(torch.uint8)
        tiles = next(count for count in INNER_TILES if codes.shape[1] % (16 * count) == 0)
        packed = torch._convert_weight_to_int4pack(pairs, tiles)
        return Int4Linear(torch._weight_int4pack_mm, packed, scales, bias)
    packed = torch.ops.aten._convert_weight_to_int4pack_for_cpu(codes, 1)
    multiply = cast(Multiply, torch.ops.aten._weight_int4pack_mm_for_cpu)
    return Int4Linear(multiply, packed, scales, bias)


def _fault(device: torch.device) -> str:
    size = 2 * groups.GROUP
    weight = torch.linspace(-1.0, 1.0, size * size, device=device).view(size, size)
    codes, scales = groups.quantized(weight.sin())
    try:
        found = _laid_out(codes, scales, None).weight()
    except (AttributeError, RuntimeError) as error:
        return f"this torch has no 4-bit layers ({str(error).splitlines()[0]})"
    wanted = groups.restored(codes, scales).cpu()
    rounded = torch.finfo(torch.bfloat16).eps * wanted.abs().max()
    good = (found - wanted).abs().max() <= rounded
    return "" if good else "this torch lays 4-bit codes out otherwise"
