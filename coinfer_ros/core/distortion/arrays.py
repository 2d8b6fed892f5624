# SPDX-License-Identifier: Apache-2.0
"""Checks of this package's arguments: finite numbers, and lists of norms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coinfer_ros.core.errors import InvalidInput

Reals = NDArray[np.float64]


def finite(name: str, values: ArrayLike) -> Reals:
    """Return ``values`` as float64 when they are finite real numbers.

    :param name: what to call them in the message.
    :raises InvalidInput: otherwise.
    """
    found = np.asarray(values)
    if found.dtype.kind not in "fiu" or not np.isfinite(found).all():
        raise InvalidInput(f"{name} must be finite real numbers, got {values!r}")
    return found.astype(np.float64)


def norms(name: str, values: ArrayLike, count: int | None = None) -> Reals:
    """Return ``values`` as (L,) when they are finite and at least 0.

    :param name: what to call them in the message.
    :param count: how many they must be; left out, one or more.
    :raises InvalidInput: otherwise.
    """
    found = finite(name, values)
    good = found.ndim == 1 and found.size == (count or found.size or 1)
    if not good or not (found >= 0.0).all():
        rule = f"{count} numbers" if count else "one number or more"
        raise InvalidInput(f"{name} must be {rule} of at least 0, got {values!r}")
    return found
