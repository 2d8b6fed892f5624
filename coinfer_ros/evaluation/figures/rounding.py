# SPDX-License-Identifier: Apache-2.0
"""Writes a number with its error, both to the place of the error's first digit."""

from __future__ import annotations

import math


def with_error(value: float, error: float) -> str:
    """Return ``value ± error``; a value far from 1 has a power of ten.

    :param value: finite, above 0.
    :param error: finite, above 0, in the same unit.

    >>> with_error(12.3456, 0.0234), with_error(146312.56, 119.15)
    ('12.35 ± 0.02', '(1.463 ± 0.001)·10^5')
    """
    power = math.floor(math.log10(value))
    power = 0 if -3 < power < 4 else power
    value, error = value / 10.0**power, error / 10.0**power
    places = -int(f"{error:.0e}".partition("e")[2])  # that of 0.096 is the first: it is 0.1
    text = " ± ".join(f"{round(x, places):.{max(0, places)}f}" for x in (value, error))
    return f"({text})·10^{power}" if power else text
