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
    found = _as_float(value)
    # NaN is in no range.
    if not low <= found <= high or math.isinf(found) or (above is not None and found <= above):
        raise InvalidInput(f"{name} must be {rule}, got {_shown(value)}")
    return found


def whole(name: str, value: object, *, low: int, high: int) -> int:
    """Return ``value`` as an int in [low, high].

    :raises InvalidInput: when it is not a whole number or out of range.
    """
    good = isinstance(value, Integral) and not isinstance(value, bool)
    if not good or not low <= int(value) <= high:  # type: ignore[call-overload]
        raise InvalidInput(f"{name} must be a whole number in [{low}, {high}], got {_shown(value)}")
    return int(value)  # type: ignore[call-overload,no-any-return]


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` when it is one of ``choices``.

    :raises InvalidInput: otherwise.
    """
    allowed = tuple(choices)
    if value not in allowed:
        raise InvalidInput(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return str(value)


def _as_float(value: object) -> float:
    """Return a number as a float, infinite where none is so great, and NaN for anything else."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _shown(value: object) -> str:
    try:
        return f"{value!r:.80}"
    except ValueError:  # Python prints no whole number of more than 4300 digits
        return f"{type(value).__name__} of too many digits"
