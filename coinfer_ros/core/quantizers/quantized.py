# SPDX-License-Identifier: Apache-2.0
"""A tensor as it is stored: packed codes, scales, and what it takes to get the weights back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import packed_bytes
from coinfer_ros.core.quantizers import granularity, table
from coinfer_ros.core.quantizers.granularity import Granularity
from coinfer_ros.core.quantizers.rows import Weights

SCALE_BITS = 32


@dataclass(frozen=True, eq=False)
class Quantized:
    """One quantized tensor; made only of parts that fit together.

    :param quantizer: a key of ``QUANTIZERS``.
    :param bits: bit-width of a code, in the quantizer's range.
    :param granularity: which weights share a scale.
    :param shape: of the tensor.
    :param qparams: (rows,) float32, the scales, weight units.
    :param data: (ceil(weights · bits / 8),) uint8, the codes as ``packing`` lays them out.
    :param distortion: mean |w - w'|, weight units.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    quantizer: str
    bits: int
    granularity: Granularity
    shape: tuple[int, ...]
    qparams: Weights
    data: NDArray[np.uint8]
    distortion: float

    def __post_init__(self) -> None:
        chosen = table.named(self.quantizer)
        checks.whole("bits", self.bits, low=chosen.bits_low, high=chosen.bits_high)
        count = granularity.checked(self.granularity).rows(self.shape)[0]
        _check_array("qparams", self.qparams, f"float32 of shape ({count},)")
        length = packed_bytes(math.prod(self.shape), self.bits)
        _check_array("data", self.data, f"uint8 of shape ({length},)")
        checks.number("distortion", self.distortion, low=0.0, unit="weight units")

    @property
    def stored_bits(self) -> int:
        """Bits of the packed codes, the filling of their last byte included, and of the scales."""
        return 8 * len(self.data) + SCALE_BITS * len(self.qparams)

    @property
    def bits_a_weight(self) -> float:
        """Bits stored for each weight of the tensor."""
        return self.stored_bits / math.prod(self.shape)


def _check_array(name: str, value: object, rule: str) -> None:
    if messages.described(value) != rule:
        raise InvalidInput(f"{name} must be {rule}, got {messages.described(value)}")
