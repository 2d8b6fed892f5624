# SPDX-License-Identifier: Apache-2.0
"""Checks that name the argument, the rule and what came."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Integral, Real

from coinfer_ros.core.errors import InvalidInput


def number(
    name: str,
    value: object,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    above: float | None = None,
    unit: str = "",
) -> float:
    """Return ``value`` as a finite float in [low, high] and, where given, > above.

    :raises InvalidInput: when it is not a number, not finite or out of range.

    >>> number("deadline_s", 0.2, low=0.001, high=10.0)
    0.2
    >>> number("deadline_s", float("nan"), low=0.001, high=10.0, unit="s")
    Traceback (most recent call last):
    ...
    coinfer_ros.core.errors.InvalidInput: deadline_s must be in [0.001, 10.0] s, got nan
    """
    unit = f" {unit}" if unit else ""
    if above is not None:
        rule = f"above {above:g}{unit}" if high == math.inf else f"in ({above}, {high}]{unit}"
    elif low == -math.inf and high == math.inf:
        rule = f"a finite number{unit}"
    elif high == math.inf:
        rule = f"a finite number of at least {low:g}{unit}"
    else:
        rule = f"in [{low}, {high}]{unit}"
    good = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= float(value) <= high or (above is not None and value <= above):  # type: ignore[arg-type,operator]
        raise InvalidInput(f"{name} must be {rule}, got {value!r}")
    return float(value)  # type: ignore[arg-type]


def whole(name: str, value: object, *, low: int, high: int) -> int:
    """Return ``value`` as an int in [low, high].

    :raises InvalidInput: when it is not a whole number or out of range.
    """
    good = isinstance(value, Integral) and not isinstance(value, bool)
    if not good or not low <= int(value) <= high:  # type: ignore[call-overload]
        raise InvalidInput(f"{name} must be a whole number in [{low}, {high}], got {value!r}")
    return int(value)  # type: ignore[call-overload,no-any-return]


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` when it is one of ``choices``.

    :raises InvalidInput: otherwise.
    """
    allowed = tuple(choices)
    if value not in allowed:
        raise InvalidInput(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return str(value)
