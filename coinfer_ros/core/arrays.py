# SPDX-License-Identifier: Apache-2.0
"""Checks of whole arrays that name the argument, the rule and what came."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coinfer_ros.core.errors import InvalidInput

Reals = NDArray[np.float64]


def reals(name: str, values: ArrayLike) -> Reals:
    """Return ``values`` as a new float64 array when they are real numbers, NaN and inf included.

    :param name: what to call them in the message.
    :raises InvalidInput: when they are ragged, text, truth values, complex or no numbers at all.

    >>> reals("sizes", [[1], [2, 3]])
    Traceback (most recent call last):
    ...
    coinfer_ros.core.errors.InvalidInput: sizes must be real numbers, got lists of unequal lengths
    """
    try:
        found = np.asarray(values)
    except ValueError as error:
        raise InvalidInput(f"{name} must be real numbers, got lists of unequal lengths") from error
    if found.dtype.kind not in "fiu":
        raise InvalidInput(f"{name} must be real numbers, got {_first(found)!r}")
    with np.errstate(over="ignore"):  # a longdouble may be inf as a float64
        return found.astype(np.float64)


def finite(name: str, values: ArrayLike) -> Reals:
    """Return ``values`` as a new float64 array when they are finite real numbers.

    :param name: what to call them in the message.
    :raises InvalidInput: otherwise.
    """
    found = reals(name, values)
    good = np.isfinite(found)
    if not good.all():
        raise InvalidInput(f"{name} must be finite real numbers, got {_first(found[~good])!r}")
    return found


def positive(name: str, values: ArrayLike, *, count: int | None = None) -> Reals:
    """Return ``values`` as (L,) when all are finite and above 0.

    :param name: what to call them in the message.
    :param count: how many they must be; left out, one or more.
    :raises InvalidInput: otherwise.
    """
    found = _list(name, values, count)
    return _ranged(name, found, found > 0.0, "above 0")


def nonnegative(name: str, values: ArrayLike, *, count: int | None = None) -> Reals:
    """Return ``values`` as (L,) when all are finite and at least 0.

    :param name: what to call them in the message.
    :param count: how many they must be; left out, one or more.
    :raises InvalidInput: otherwise.
    """
    found = _list(name, values, count)
    return _ranged(name, found, found >= 0.0, "at least 0")


def _list(name: str, values: ArrayLike, count: int | None) -> Reals:
    found = finite(name, values)
    if found.ndim != 1 or found.size != (count or found.size or 1):
        rule = f"a list of {count}" if count else "a list of one number or more"
        raise InvalidInput(f"{name} must be {rule}, got shape {found.shape}")
    return found


def _ranged(name: str, found: Reals, good: NDArray[np.bool_], rule: str) -> Reals:
    if not good.all():
        place = int(np.argmin(good))
        raise InvalidInput(f"{name}[{place}] must be {rule}, got {found[place]}")
    return found


def _first(found: NDArray[Any]) -> object:
    """Return the first entry as a plain object; of nothing, the type that it would have."""
    if not found.size:
        return str(found.dtype)
    return found.flat[0].item() if isinstance(found.flat[0], np.generic) else found.flat[0]
