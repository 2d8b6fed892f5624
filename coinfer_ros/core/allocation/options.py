# SPDX-License-Identifier: Apache-2.0
"""Checks the tables of an allocation and lists what each layer can be stored at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coinfer_ros.core import arrays, checks
from coinfer_ros.core.arrays import Reals
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.widths import check_widths

LEAST, GREATEST = 1e-100, 1e100  # slopes of distortion over cost then neither over- nor underflow


@dataclass(frozen=True, eq=False)
class Options:
    """The settings of one layer that no other of it beats: cost rises, distortion falls.

    :param columns: (K,) columns of the table.
    :param cost: (K,).
    :param distortion: (K,).
    """

    columns: NDArray[np.intp]
    cost: Reals
    distortion: Reals


@dataclass(frozen=True, eq=False)
class Problem:
    """Checked tables of L layers by B widths; inf in both where a setting cannot be had.

    :param distortion: (L, B).
    :param cost: (L, B).
    :param budget: greatest sum of costs.
    :param widths: (B,) bit-widths, rising.
    """

    distortion: Reals
    cost: Reals
    budget: float
    widths: tuple[int, ...]

    def options(self) -> list[Options]:
        """Return the settings of each layer worth choosing from, L lists, some perhaps empty."""
        return [_options(d, c) for d, c in zip(self.distortion, self.cost, strict=True)]


def check_problem(
    distortion: ArrayLike, cost: ArrayLike, budget: float, widths: Sequence[int]
) -> Problem:
    """Return the tables as float64 when they are sound.

    :param distortion: (L, B), 0 or in [1e-100, 1e100]; inf where the setting cannot be had.
    :param cost: (L, B), 0 or in [1e-100, 1e100]; inf where the setting cannot be had.
    :param budget: finite.
    :param widths: (B,) whole numbers in [1, 32] that rise.
    :raises InvalidInput: naming the argument, its rule and what came.
    """
    allowed = check_widths(widths)
    checks.number("budget", budget)
    tables = []
    for name, values in (("distortion", distortion), ("cost", cost)):
        table = arrays.reals(name, values)
        if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] != len(allowed):
            raise InvalidInput(
                f"{name} must have shape (layers, {len(allowed)}), got {table.shape}"
            )
        tables.append(_check_range(name, table))
    if tables[0].shape != tables[1].shape:
        raise InvalidInput(f"cost must have shape {tables[0].shape}, got {tables[1].shape}")
    absent = np.isinf(tables[0]) | np.isinf(tables[1])
    found, paid = (np.where(absent, np.inf, table) for table in tables)
    return Problem(found, paid, float(budget), allowed)


def _check_range(name: str, table: Reals) -> Reals:
    with np.errstate(invalid="ignore"):
        good = (table == 0.0) | ((table >= LEAST) & (table <= GREATEST)) | (table == np.inf)
    if not good.all():
        raise InvalidInput(
            f"{name} must hold 0, inf or numbers in [{LEAST}, {GREATEST}], got {table[~good][0]}"
        )
    return table


def front(cost: Reals, distortion: Reals) -> NDArray[np.intp]:
    """Return the places of the pairs that none beats, by rising cost; the first of equal ones.

    A pair is beaten by one that costs no more and has no more distortion.

    :param cost: (N,).
    :param distortion: (N,).
    :returns: places (M,).
    """
    order = np.lexsort((distortion, cost))  # stable: equal pairs stay in order
    falling = distortion[order]
    best = np.minimum.accumulate(falling)
    new = np.ones(len(order), bool)
    new[1:] = falling[1:] < best[:-1]
    return order[new]


def _options(distortion: Reals, cost: Reals) -> Options:
    available = np.flatnonzero(np.isfinite(cost))
    columns = available[front(cost[available], distortion[available])]
    return Options(columns, cost[columns], distortion[columns])
