# SPDX-License-Identifier: Apache-2.0
"""The set of bit-widths that a plan is chosen from, the paper's ℬ."""

from __future__ import annotations

from collections.abc import Sequence

from coinfer_ros.core import checks, limits
from coinfer_ros.core.errors import InvalidInput


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return ``widths`` when they are whole numbers in [1, 32] that rise.

    :raises InvalidInput: otherwise.
    """
    checked = tuple(checks.whole("widths", bits, low=1, high=limits.BITS_MAX) for bits in widths)
    if not checked or list(checked) != sorted(set(checked)):
        raise InvalidInput(f"widths must rise from one to the next, got {list(widths)!r}")
    return checked


def name(bits: int) -> str:
    """Return a width in words.

    >>> name(1), name(2)
    ('1 bit', '2 bits')
    """
    return "1 bit" if bits == 1 else f"{bits} bits"
