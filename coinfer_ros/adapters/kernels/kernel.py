# SPDX-License-Identifier: Apache-2.0
"""What every execution kernel offers: it packs one linear layer's weights and runs them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import torch


class Shaped(Protocol):
    """A linear layer, as far as a kernel asks."""

    in_features: int
    out_features: int


class PackedLinear(Protocol):
    """The weights of one linear layer as a kernel wants them.

    ``bytes`` is the memory that weights, scales and bias take.
    """

    bytes: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Turn ``x`` (..., I) into (..., O) of the same type."""
        ...

    def weight(self, rows: slice = slice(None)) -> torch.Tensor:
        """Return the weights (O, I) that are really computed with, float32 on the CPU.

        What the kernel rounds itself is in them, so that a distortion measured on them is true.

        :param rows: which output rows, by default all.
        """
        ...


class Kernel(ABC):
    """One way to run linear layers on one device.

    ``name`` is what answers call it, ``bits`` the width of the codes that it computes with: wider
    ones it would have to round.
    """

    name: str
    bits: int

    def __init__(self, device: torch.device) -> None:
        self.device = device

    @staticmethod
    @abstractmethod
    def lacks(device: torch.device) -> str:
        """Return why it cannot run on ``device``, empty when it can."""

    @staticmethod
    def lags(device: torch.device) -> str:  # noqa: ARG004
        """Return why a wider kernel is quicker on ``device``, empty when none is.

        A rule of the device, not a measurement: the same machine always chooses the same, however
        busy it is when it starts.
        """
        return ""

    def refuses(self, linear: Shaped) -> str:  # noqa: ARG002
        """Return why it cannot run a layer of this shape, empty when it can."""
        return ""

    @abstractmethod
    def pack(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        factors: torch.Tensor | None = None,
    ) -> PackedLinear:
        """Pack a layer; safe beside running ones.

        :param weight: (O, I) float32.
        :param bias: (O,) float32.
        :param factors: (I,) what a kernel that rounds activations multiplies them by before, and
            divides weights by, so that both round well; others need none.
        :raises InvalidInput: when a weight is not finite.
        """
