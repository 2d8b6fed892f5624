# SPDX-License-Identifier: Apache-2.0
"""One stored copy of a head's weights that serves every bit-width while running.

Stored are nested codes, one byte a weight, whose top b bits are a good b-bit code: 2 to 8 bits need
no disk. 16 bits are the checkpoint itself, memory-mapped: its pages belong to the file and cost
memory only while they are used. Quantized are the weights of Linear, Conv2d and Embedding layers;
norms, biases and lone vectors are few, and theirs is not the distribution that the theory assumes.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.adapters.kernels import (
    AUTO,
    Int8Kernel,
    SwitchableLinear,
    kernel_for,
    observe,
)
from coinfer_ros.adapters.quantizable import is_quantizable
from coinfer_ros.adapters.stored_layer import StoredLayer
from coinfer_ros.adapters.threads import compute_alone
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS, HeadWeights

# Weights that the distortion is measured on, evenly spread rows of every layer. A million tells a
# mean error to about 0.1 %; smaller heads are measured whole.
SAMPLED = 1_000_000
WORKERS = min(4, os.cpu_count() or 1)


class WeightStore:
    """The quantized weights of a module: their one copy, and those in use.

    The module's Linear layers are replaced by ones that run on any kernel; it has no weights in
    place until :meth:`use`.

    :param module: what runs.
    :param stored: the module's tensors as the checkpoint stores them, by name.
    :param device: where the module runs.
    :param kernel: what Linear layers run on; ``auto``: the narrowest kernel that holds the width.
    :raises Unsupported: when there is no such kernel here.
    """

    def __init__(
        self,
        module: nn.Module,
        stored: dict[str, torch.Tensor],
        *,
        device: str = "cpu",
        kernel: str = AUTO,
    ) -> None:
        self._module, self._device, self._kernel = module, device, kernel
        self._maker = object()
        self._distortions: dict[int, float] = {}
        kernel_for(min(WEIGHT_BITS), device, kernel)  # an unknown name is refused at once
        found = quantizable(module)
        every = _every(sum(stored[name].numel() for name in found))
        self._layers = {
            name: StoredLayer.of(name, layer, stored[name], every) for name, layer in found.items()
        }
        for name, layer in self._layers.items():
            if isinstance(layer.module, nn.Linear):
                owner = name.removesuffix(".weight")
                layer.slot = SwitchableLinear(layer.module)
                module.set_submodule(owner, layer.slot)

    @property
    def nbytes(self) -> int:
        """Bytes of the stored copy, the checkpoint on disk aside."""
        return sum(layer.codes.nbytes for layer in self._layers.values())

    @property
    def weights(self) -> int:
        """Number of quantized weights."""
        return sum(layer.codes.codes.size for layer in self._layers.values())

    @property
    def widths(self) -> tuple[int, ...]:
        """Bit-widths that the chosen kernel holds."""
        if self._kernel == AUTO:
            return WEIGHT_BITS
        most = kernel_for(min(WEIGHT_BITS), self._device, self._kernel).bits
        return tuple(bits for bits in WEIGHT_BITS if bits <= most)

    @property
    def weight_rate(self) -> float:
        """λ of the magnitudes, the maximum-likelihood estimate, 1/weight unit."""
        total = sum(layer.magnitude for layer in self._layers.values())
        return self.weights / total if total > 0 else float("inf")

    @property
    def balances(self) -> bool:
        """Whether the kernel rounds activations too, and is truer once it has seen some."""
        return isinstance(kernel_for(min(WEIGHT_BITS), self._device, self._kernel), Int8Kernel)

    def balance(self, run: Callable[[], object]) -> None:
        """Look at the channels' sizes; weights prepared from now on are balanced.

        :param run: runs the module on something typical, with the weights that are in place.
        """
        observe(self._module, run)
        self._distortions.clear()

    def prepare(self, bits: int) -> HeadWeights:
        """Bring every weight to ``bits``, in new memory; safe in another thread.

        :param bits: one of ``WEIGHT_BITS``.
        :raises InvalidInput: when ``bits`` is none of them.
        :raises Unsupported: when the chosen kernel does not hold that width.
        """
        if isinstance(bits, bool) or bits not in WEIGHT_BITS:
            choices = ", ".join(map(str, WEIGHT_BITS))
            raise InvalidInput(f"bits must be one of {choices}, got {bits!r}")
        ready: dict[str, Any] = {}
        runs_on: Counter[str] = Counter()
        errors: list[NDArray[np.float32]] = []
        measure = bits not in self._distortions
        # Layers are independent, and most of the work is done without Python's lock.
        with ThreadPoolExecutor(WORKERS, "weights", initializer=compute_alone) as pool:
            brought = pool.map(
                lambda layer: layer.bring(
                    bits, device=self._device, kernel=self._kernel, measure=measure
                ),
                self._layers.values(),
            )
        for layer, (weights, kernel, used) in zip(self._layers.values(), brought, strict=True):
            ready[layer.name] = weights
            runs_on[kernel] += layer.slot is not None
            if used is not None:
                errors.append(np.abs(used - layer.sample).ravel())
        if errors:  # the same width makes the same errors every time
            self._distortions[bits] = float(np.concatenate(errors).mean(dtype=np.float64))
        return HeadWeights(
            bits=int(bits),
            backend=_named(runs_on) + ("" if self._device == "cpu" else f" on {self._device}"),
            distortion=self._distortions[bits],
            tensors=ready,
            maker=self._maker,
        )

    def use(self, weights: HeadWeights) -> list[object]:
        """Point the module at prepared weights.

        :returns: what was in place; freeing it takes longer than this.
        :raises InvalidInput: when they belong to another module.
        """
        if weights.maker is not self._maker:
            raise InvalidInput("weights must be prepared by this model, got another model's")
        former: list[object] = []
        for name, layer in self._layers.items():
            if layer.slot is not None:
                former.append(getattr(layer.slot, "packed", None))
                layer.slot.packed = weights.tensors[name]
            else:
                former.append(layer.module._parameters["weight"])
                layer.module._parameters["weight"] = weights.tensors[name]
        return former


def quantizable(module: nn.Module) -> dict[str, nn.Module]:
    """Return the layers whose weights are quantized, by the weights' names."""
    return {
        f"{name}.weight": child for name, child in module.named_modules() if is_quantizable(child)
    }


def _every(weights: int) -> int:
    return max(1, round(weights / SAMPLED))


def _named(runs_on: Counter[str]) -> str:
    """Name the kernels that layers run on, the one with most of them first."""
    (first, _), *others = [pair for pair in runs_on.most_common() if pair[0]] or [("none", 0)]
    if not others:
        return first
    total = sum(count for name, count in runs_on.items() if name)
    rest = ", ".join(f"{count} of {total} layers on {name}" for name, count in others)
    return f"{first} ({rest})"
