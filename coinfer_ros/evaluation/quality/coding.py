# SPDX-License-Identifier: Apache-2.0
"""How a model's numbers are stored: all that the quality of its captions hangs on."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.quantizers import QUANTIZERS, nested, nested_laws
from coinfer_ros.core.wire import WIRE_BITS

FULL_WIRE_BITS = 32


@dataclass(frozen=True)
class Coding:
    """One way to store a model.

    :param quantizer: a key of ``QUANTIZERS`` or ``nested``, one scale a channel; any at 16 bits,
        where nothing is quantized.
    :param bits: width of every quantized weight, or with ``allocated`` the mean over the work.
    :param whole: the edge's half is quantized like the robot's, as on a robot alone.
    :param allocated: every layer has a width of its own.
    :param wire_bits: of the embedding; 32: as it is.
    :param cut: where the model is cut; empty: its own place.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    quantizer: str
    bits: float
    whole: bool = False
    allocated: bool = False
    wire_bits: int = FULL_WIRE_BITS
    cut: str = ""

    def __post_init__(self) -> None:
        checks.one_of("quantizer", self.quantizer, (nested.NAME, *QUANTIZERS))
        low, high = widths_of(self.quantizer)
        checks.number("bits", self.bits, low=low, high=FULL_BITS, unit="bits")
        if self.allocated:
            checks.number("bits", self.bits, low=low, high=high, unit="bits")
        elif self.bits != int(self.bits) or high < self.bits < FULL_BITS:
            raise InvalidInput(
                f"bits must be a whole number in [{low}, {high}] or {FULL_BITS} for "
                f"{self.quantizer}, got {self.bits}"
            )
        if self.wire_bits not in WIRE_BITS:
            raise InvalidInput(f"wire_bits must be one of {WIRE_BITS}, got {self.wire_bits!r}")

    @property
    def name(self) -> str:
        """What it is called in files: one string for what gives the same captions."""
        parts = ["as stored" if self.as_stored else f"{self.quantizer} {self.bits:g} bits"]
        parts += ["whole model"] * (self.whole and not self.as_stored)
        parts += ["a width a layer"] * self.allocated
        parts += [f"wire {self.wire_bits} bits"] * (self.wire_bits != FULL_WIRE_BITS)
        parts += [f"cut {self.cut}"] * bool(self.cut)
        return ", ".join(parts)

    @property
    def as_stored(self) -> bool:
        """True when no weight is quantized."""
        return self.bits == FULL_BITS and not self.allocated


def widths_of(quantizer: str) -> tuple[int, int]:
    """Return the narrowest and the widest width of a quantizer that this package compares, bits.

    One bit leaves the theory's bound infinite, and two of the quantizers nothing but zeros.
    """
    if quantizer == nested.NAME:
        return nested_laws.BITS_LOW, nested_laws.BITS_HIGH
    one = QUANTIZERS[quantizer]
    return max(one.bits_low, 2), min(one.bits_high, FULL_BITS)
