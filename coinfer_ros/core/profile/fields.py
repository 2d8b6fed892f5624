# SPDX-License-Identifier: Apache-2.0
"""Checks of a profile's fields that its records share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import arrays
from coinfer_ros.core.errors import InvalidInput

Table = NDArray[np.float64]


def filled(name: str, text: str) -> None:
    """Check that a text is there.

    :raises InvalidInput: when it is empty.
    """
    if not text:
        raise InvalidInput(f"{name} must not be empty, got {text!r}")


def frozen_table(record: object, name: str, *, axes: int) -> Table:
    """Put a read-only copy of a record's table in its place and return it.

    :raises InvalidInput: when it is no table of real numbers, or of other axes.
    """
    table = arrays.reals(name, getattr(record, name))
    if table.ndim != axes or not table.size:
        raise InvalidInput(f"{name} must have {axes} axes, none empty, got shape {table.shape}")
    table.setflags(write=False)
    object.__setattr__(record, name, table)
    return table


def measured_or_nan(name: str, table: Table, *, low: float) -> None:
    """Check that a table holds finite numbers of at least ``low``, or NaN.

    :raises InvalidInput: otherwise.
    """
    good = np.isnan(table) | (np.isfinite(table) & (table >= low))
    if not good.all():
        raise InvalidInput(f"{name} must be finite and at least {low:g}, got {table[~good][0]}")
