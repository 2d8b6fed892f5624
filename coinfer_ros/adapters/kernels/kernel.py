# SPDX-License-Identifier: Apache-2.0
"""What every execution kernel offers: it packs one linear layer's weights and runs them."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn


class PackedLinear(Protocol):
    """The weights of one linear layer as a kernel wants them."""

    @property
    def bytes(self) -> int:
        """Memory that weights, scales and bias take."""
        ...

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn ``x`` (..., I) into (..., O) of the same type."""
        ...

    def weight(self) -> torch.Tensor:
        """Return the weights (O, I) that are really computed with, float32 on the CPU.

        What the kernel rounds itself is in them, so that a distortion measured on them is true.
        """
        ...


class Kernel(Protocol):
    """One way to run linear layers on one device."""

    name: str  # what answers call it
    bits: int  # the widest weight codes that it is meant for

    def __init__(self, device: torch.device) -> None: ...

    @staticmethod
    def lacks(device: torch.device) -> str:
        """Return why it cannot run on ``device``, empty when it can."""
        ...

    def refuses(self, linear: nn.Linear) -> str:
        """Return why it cannot run a layer of this shape, empty when it can."""
        ...

    def pack(self, weight: torch.Tensor, bias: torch.Tensor | None) -> PackedLinear:
        """Pack a layer; safe beside running ones.

        :param weight: (O, I) float32.
        :param bias: (O,) float32.
        :raises InvalidInput: when a weight is not finite.
        """
        ...
