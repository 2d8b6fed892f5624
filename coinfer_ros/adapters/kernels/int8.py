# SPDX-License-Identifier: Apache-2.0
"""What the 8-bit kernels share: one scale a weight row, and one a token.

The tokens' scales are found anew at each call: a token of large values, as vision transformers
have, does not cost all others their precision. Large channels are balanced where they are known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from coinfer_ros.adapters.kernels import rows
from coinfer_ros.adapters.kernels.kernel import Kernel


class Int8Linear(ABC):
    """One layer in 8 bits; each device lays codes out and multiplies in its own way.

    :param codes: (O, I) int8 in [-127, 127], on the device.
    :param scales: (O,) float32, what one step of each row is worth.
    :param bias: (O,), anywhere.
    :param factors: (I,) what the weights were divided by before, if they were.
    """

    def __init__(
        self,
        codes: torch.Tensor,
        scales: torch.Tensor,
        bias: torch.Tensor | None,
        factors: torch.Tensor | None,
    ) -> None:
        self._scales, self._factors = scales, factors
        self._bias = torch.zeros_like(scales) if bias is None else bias.detach().to(scales)
        self.bytes = self._lay_out(codes) + scales.nbytes + self._bias.nbytes
        self.bytes += 0 if factors is None else factors.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        tokens = x.reshape(-1, x.shape[-1]).float()  # (M, I)
        tokens = tokens if self._factors is None else tokens * self._factors
        scales = rows.scales_of(tokens)
        # What balancing has written is overwritten: new memory would push weights from the caches.
        spare = None if self._factors is None else tokens
        y = self._multiply(torch.mul(tokens, scales.reciprocal(), out=spare))
        y = torch.addcmul(self._bias, y, scales, out=y)
        return y.view(*x.shape[:-1], y.shape[-1]).to(x.dtype)

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return codes times scales, the balance undone."""
        found = self._codes()[rows] * self._scales[rows, None]
        return (found if self._factors is None else found.mul_(self._factors)).cpu()

    @abstractmethod
    def _lay_out(self, codes: torch.Tensor) -> int:
        """Keep codes (O, I) as the device wants them; return the bytes that it takes."""

    @abstractmethod
    def _multiply(self, steps: torch.Tensor) -> torch.Tensor:
        """Round tokens (M, I), in steps of their scales, in place; return (M, O) float32."""

    @abstractmethod
    def _codes(self) -> torch.Tensor:
        """Return the codes (O, I)."""


class Int8Kernel(Kernel):
    """8-bit codes of weights and activations, added up in 32 bits."""

    name, bits = "int8", 8
    linear: type[Int8Linear]

    def pack(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        factors: torch.Tensor | None = None,
    ) -> Int8Linear:
        """Round a layer's rows to 8 bits and pack them."""
        moved = weight.detach().to(self.device)
        spread = None if factors is None else factors.to(self.device)
        codes, scales = rows.quantized(moved if spread is None else moved / spread)
        return self.linear(codes, scales.flatten(), bias, spread)

    def pack_codes(
        self, codes: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None
    ) -> Int8Linear:
        """Pack weights that are codes already, with no floats on the way.

        :param codes: (O, I) int8 in [-127, 127].
        :param scales: (O,) float32, what one step of each row is worth.
        :param bias: (O,) float32.
        """
        return self.linear(codes.to(self.device), scales.to(self.device), bias, None)
