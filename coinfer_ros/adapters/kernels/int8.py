# SPDX-License-Identifier: Apache-2.0
"""What the 8-bit kernels share: one scale a weight row, and one a token.

The tokens' scales are found anew at each call: a token of large values, as vision transformers have,
does not cost all others their precision. Channels are balanced where their size is known.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from coinfer_ros.adapters.kernels import balance, rows


class Int8Linear(ABC):
    """One layer in 8 bits; each device lays codes out and multiplies in its own way.

    :param weight: (O, I), on the device.
    :param bias: (O,), anywhere.
    :param peaks: (I,) of the inputs, None when unknown.
    """

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, peaks: torch.Tensor | None
    ) -> None:
        self._factors = balance.factors(weight, peaks)
        codes, scales = rows.quantized(weight if self._factors is None else weight / self._factors)
        self._scales = scales.flatten()
        self._bias = torch.zeros_like(self._scales)
        if bias is not None:
            self._bias += bias.detach().to(self._scales)
        self.bytes = self._lay_out(codes) + self._scales.nbytes + self._bias.nbytes
        self.bytes += 0 if self._factors is None else self._factors.nbytes

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        tokens = x.reshape(-1, x.shape[-1]).float()  # (M, I)
        tokens = tokens if self._factors is None else tokens * self._factors
        scales = rows.scales_of(tokens)
        y = self._multiply(tokens, scales)
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
    def _multiply(self, tokens: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
        """Return tokens (M, I), in steps of their scales (M, 1), times weights: (M, O) float32."""

    @abstractmethod
    def _codes(self) -> torch.Tensor:
        """Return the codes (O, I)."""
