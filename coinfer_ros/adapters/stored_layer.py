# SPDX-License-Identifier: Apache-2.0
"""One layer of a head: its stored weights, and how they become what a kernel runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.adapters.kernels import (
    Int8Kernel,
    Kernel,
    PackedLinear,
    SwitchableLinear,
    kernel_for,
)
from coinfer_ros.adapters.quantizable import as_array
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.quantizers import nested


@dataclass
class StoredLayer:
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
    def of(cls, name: str, module: nn.Module, stored: torch.Tensor, every: int) -> StoredLayer:
        """Store a layer's weights once for all widths.

        :param stored: (O, I...), as the checkpoint holds them.
        :param every: the distortion is measured on every so-manieth row.
        :raises InvalidInput: when a weight is too large to be stored.
        """
        values, rows = as_array(stored), slice(None) if every == 1 else slice(None, None, every)
        magnitude = float(np.abs(values).sum(dtype=np.float64))
        try:
            codes = nested.encode(values)
        except InvalidInput as error:
            raise InvalidInput(
                f"model.path must hold weights that codes can hold, got {name}: {error}"
            ) from error
        return cls(name, module, stored, codes, rows, values[rows].copy(), magnitude)

    def values(self, bits: int) -> NDArray[np.float32]:
        """Return the weights at ``bits``, in memory of their own."""
        if bits == FULL_BITS:
            return as_array(self.stored)
        return nested.decode(self.codes, bits)

    def bring(
        self, bits: int, *, device: str, kernel: str, measure: bool
    ) -> tuple[Any, str, NDArray[np.float32] | None]:
        """Return the weights ready to run, the kernel's name and the sampled rows in use.

        :param measure: whether the rows are wanted; None without.
        """
        if self.slot is None:
            values = torch.from_numpy(self.values(bits))
            weight = nn.Parameter(values.to(device), requires_grad=False)
            return weight, "", values.numpy()[self.rows] if measure else None
        chosen = kernel_for(bits, device, kernel)
        if chosen.refuses(self.slot):
            chosen = kernel_for(FULL_BITS, device)
        packed = self._packed(chosen, bits, slice(None), self.slot.bias)
        if not measure:
            return packed, chosen.name, None
        # Rows are packed one by one, so that a few packed apart are rounded like all.
        every = self.rows == slice(None)
        few = packed if every else self._packed(chosen, bits, self.rows, None)
        return packed, chosen.name, as_array(few.weight())

    def _packed(
        self, kernel: Kernel, bits: int, rows: slice, bias: torch.Tensor | None
    ) -> PackedLinear:
        """Pack some rows, without floats on the way where the kernel takes codes."""
        factors = self.slot.factors if self.slot is not None else None
        if bits == FULL_BITS:
            return kernel.pack(torch.from_numpy(as_array(self.stored)[rows]), bias, factors)
        codes = self.codes.rows(rows)
        if isinstance(kernel, Int8Kernel) and factors is None:
            steps, sizes = nested.to_int8(codes, bits)
            return kernel.pack_codes(torch.from_numpy(steps), torch.from_numpy(sizes), bias)
        return kernel.pack(torch.from_numpy(nested.decode(codes, bits)), bias, factors)
