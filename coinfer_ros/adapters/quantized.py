# SPDX-License-Identifier: Apache-2.0
"""Keeps a torch module's weights at full precision and serves them at any bit-width.

Quantized are the weights of Linear, Conv2d and Embedding layers: one scale for each output channel
or table row. All others stay as they are. Norms, biases and lone vectors are few, and theirs is not
the distribution that the theory assumes; the served model has no other kind of layer (Conv1d, GRU,
the one matrix of MultiheadAttention).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.core.distortion import parameter_distortion
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS, HeadWeights
from coinfer_ros.core.quantizers import PerChannel, restored

KINDS = (nn.Linear, nn.Conv2d, nn.Embedding)


def as_array(weights: torch.Tensor) -> NDArray[np.float32]:
    """Return a weight as float32 in this machine's memory, in its own shape."""
    values: NDArray[np.float32] = weights.detach().to("cpu", torch.float32).numpy()
    return values


class QuantizedWeights:
    """The quantizable weights of a module: their master, and those in use.

    :param module: float32 module that runs.
    :param stored: the module's tensors in the type that the checkpoint stores, by name; kept as
        the master, so that a float16 checkpoint costs half the memory.
    """

    def __init__(self, module: nn.Module, stored: dict[str, torch.Tensor]) -> None:
        self._in_use = {
            f"{name}.weight": child.weight
            for name, child in module.named_modules()
            if isinstance(child, KINDS) and f"{name}.weight" in stored
        }
        self._master = {name: stored[name] for name in self._in_use}
        self._count = sum(weights.numel() for weights in self._master.values())
        total = sum(float(weights.double().abs().sum()) for weights in self._master.values())
        self.weight_rate = self._count / total if total > 0 else float("inf")

    def prepare(self, bits: int) -> HeadWeights:
        """Quantize every weight from the master; safe in another thread.

        :param bits: one of ``WEIGHT_BITS``.
        :raises InvalidInput: when ``bits`` is none of them.
        """
        if isinstance(bits, bool) or bits not in WEIGHT_BITS:
            choices = ", ".join(map(str, WEIGHT_BITS))
            raise InvalidInput(f"bits must be one of {choices}, got {bits!r}")
        tensors, error = {}, 0.0
        for name, weights in self._master.items():
            values = as_array(weights)
            back = restored(values, quantizer="uniform", bits=bits, granularity=PerChannel())
            error += parameter_distortion(values, back).total
            tensors[name] = torch.from_numpy(back)
        return HeadWeights(bits=int(bits), distortion=error / self._count, tensors=dict(tensors))

    def use(self, weights: HeadWeights) -> None:
        """Point the module at prepared weights.

        :raises InvalidInput: when they belong to another module.
        """
        if weights.tensors.keys() != self._in_use.keys():
            raise InvalidInput("weights must be prepared by this model, got another model's")
        for name, parameter in self._in_use.items():
            parameter.data = weights.tensors[name]
