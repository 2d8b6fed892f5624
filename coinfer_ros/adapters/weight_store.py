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
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.adapters.kernels import (
    AUTO,
    Int8Kernel,
    Kernel,
    PackedLinear,
    SwitchableLinear,
    kernel_for,
    observe,
)
from coinfer_ros.adapters.memory import give_back
from coinfer_ros.adapters.quantizable import as_array, is_quantizable
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS, WEIGHT_BITS, HeadWeights
from coinfer_ros.core.quantizers import nested

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
        kernel_for(min(WEIGHT_BITS), device, kernel)  # an unknown name is refused at once
        found = quantizable(module)
        every = _every(sum(stored[name].numel() for name in found))
        self._layers = {
            name: _Layer.of(name, layer, stored[name], every) for name, layer in found.items()
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

    def balance(self, run: Callable[[], object]) -> None:
        """Look at the channels' sizes, for kernels that round activations too.

        :param run: runs the module on something typical, with the weights that are in place.
        """
        if isinstance(kernel_for(min(WEIGHT_BITS), self._device, self._kernel), Int8Kernel):
            observe(self._module, run)

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
        error, measured = 0.0, 0
        # Layers are independent, and most of the work is done without Python's lock.
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="weights") as pool:
            brought = pool.map(lambda layer: self._bring(layer, bits), self._layers.values())
        for layer, (weights, kernel, used) in zip(self._layers.values(), brought, strict=True):
            ready[layer.name] = weights
            runs_on[kernel] += layer.slot is not None
            error += float(np.abs(used - layer.sample).sum(dtype=np.float64))
            measured += used.size
        give_back()
        return HeadWeights(
            bits=int(bits),
            backend=_named(runs_on) + ("" if self._device == "cpu" else f" on {self._device}"),
            distortion=error / measured,
            tensors=ready,
            maker=self._maker,
        )

    def use(self, weights: HeadWeights) -> None:
        """Point the module at prepared weights.

        :raises InvalidInput: when they belong to another module.
        """
        if weights.maker is not self._maker:
            raise InvalidInput("weights must be prepared by this model, got another model's")
        for name, layer in self._layers.items():
            if layer.slot is not None:
                layer.slot.packed = weights.tensors[name]
            else:
                layer.module._parameters["weight"] = weights.tensors[name]

    def _bring(self, layer: _Layer, bits: int) -> tuple[Any, str, NDArray[np.float32]]:
        """Return a layer's weights ready to run, the kernel's name and the sampled rows in use."""
        if layer.slot is None:
            values = torch.from_numpy(layer.values(bits))
            weight = nn.Parameter(values.to(self._device), requires_grad=False)
            return weight, "", values.numpy()[layer.rows]
        kernel = kernel_for(bits, self._device, self._kernel)
        if kernel.refuses(layer.slot):
            kernel = kernel_for(FULL_BITS, self._device)
        every, bias = slice(None), layer.slot.bias
        packed = _packed(kernel, layer, bits, every, bias)
        # Rows are packed one by one, so that a few packed apart are rounded like all.
        few = packed if layer.rows == every else _packed(kernel, layer, bits, layer.rows, None)
        return packed, kernel.name, as_array(few.weight())


def _packed(
    kernel: Kernel, layer: _Layer, bits: int, rows: slice, bias: torch.Tensor | None
) -> PackedLinear:
    """Pack some rows of a layer, without floats on the way where the kernel takes codes."""
    factors = layer.slot.factors if layer.slot is not None else None
    if bits == FULL_BITS:
        return kernel.pack(torch.from_numpy(as_array(layer.stored)[rows]), bias, factors)
    codes = layer.codes.rows(rows)
    if isinstance(kernel, Int8Kernel) and factors is None:
        steps, sizes = nested.to_int8(codes, bits)
        return kernel.pack_codes(torch.from_numpy(steps), torch.from_numpy(sizes), bias)
    return kernel.pack(torch.from_numpy(nested.decode(codes, bits)), bias, factors)


@dataclass
class _Layer:
    """One layer with quantized weights.

    :param name: its weights' name.
    :param stored: its weights in the checkpoint, as stored, on the memory map.
    :param codes: its nested codes.
    :param rows: which rows the distortion is measured on.
    :param sample: those rows, copied: measuring never touches the disk.
    :param magnitude: sum of all magnitudes.
    :param slot: what runs in a Linear layer's place.
    """

    name: str
    module: Any
    stored: torch.Tensor
    codes: nested.NestedCodes
    rows: slice
    sample: NDArray[np.float32]
    magnitude: float
    slot: SwitchableLinear | None = None

    @classmethod
    def of(cls, name: str, module: nn.Module, stored: torch.Tensor, every: int) -> _Layer:
        values, rows = as_array(stored), slice(None) if every == 1 else slice(None, None, every)
        magnitude = float(np.abs(values).sum(dtype=np.float64))
        return cls(
            name, module, stored, nested.encode(values), rows, values[rows].copy(), magnitude
        )

    def values(self, bits: int) -> NDArray[np.float32]:
        """Return the weights at ``bits``, in memory of their own."""
        if bits == FULL_BITS:
            return as_array(self.stored)
        return nested.decode(self.codes, bits)


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
