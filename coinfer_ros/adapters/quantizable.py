# SPDX-License-Identifier: Apache-2.0
"""Which weights of a torch module get a bit-width: those of Linear, Conv2d and Embedding layers.

Norms, biases and lone vectors are few, and theirs is not the distribution that the theory assumes;
the served models have no other kind of layer (Conv1d, GRU, the one matrix of MultiheadAttention).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

KINDS = (nn.Linear, nn.Conv2d, nn.Embedding)


def is_quantizable(module: nn.Module) -> bool:
    """Say whether a module's weights get a bit-width; a stand-in without weights gets none."""
    # MultiheadAttention reads the weights of its own linear layer past the layer.
    bound = isinstance(module, nn.modules.linear.NonDynamicallyQuantizableLinear)
    return isinstance(module, KINDS) and not bound and hasattr(module, "weight")


def as_array(weights: torch.Tensor) -> NDArray[np.float32]:
    """Return a weight as float32 in this machine's memory, in its own shape."""
    values: NDArray[np.float32] = weights.detach().to("cpu", torch.float32).numpy()
    return values
