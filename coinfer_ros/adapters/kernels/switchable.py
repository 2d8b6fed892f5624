# SPDX-License-Identifier: Apache-2.0
"""Stands where a linear layer was, and runs whatever weights it is pointed at."""

from __future__ import annotations

import torch
from torch import nn

from coinfer_ros.adapters.kernels.kernel import PackedLinear


class SwitchableLinear(nn.Module):
    """A linear layer whose weights are one pointer, swapped between two frames.

    It holds no weights until ``packed`` is set.

    ``factors`` (I,) balance its channels in 8 bits, None before they were observed.

    :param linear: the layer that it replaces; its shape and bias are kept.
    """

    packed: PackedLinear

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.bias = linear.bias
        self.factors: torch.Tensor | None = None
        self.weight = torch.empty(0)  # some models ask a layer for its weights' type

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (..., I) into (..., O)."""
        return self.packed(x)

    def extra_repr(self) -> str:
        """Say the shape, as the layer did that it replaces."""
        return f"in_features={self.in_features}, out_features={self.out_features}"
