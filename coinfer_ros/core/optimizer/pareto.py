# SPDX-License-Identifier: Apache-2.0
"""The settings that no other beats: what can be had of delay, energy and loss together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer.problem import Quality
from coinfer_ros.core.optimizer.solution import Point
from coinfer_ros.core.optimizer.tables import Table, Tables


def frontier(tables: Tables, quality: Quality, budget: Budget) -> tuple[Point, ...]:
    """Return every setting within the budgets that no other beats.

    One setting beats another that it exceeds in none of delay, energy and loss, and is below in
    one. Of settings that are equal in all three, one is returned: of the wider width, then of the
    clocks that the tables name first, as a plan is chosen. Exact for any table, in the time of
    sorting it.

    :param tables: what each half takes at every setting.
    :param quality: loss of each of the tables' widths; it need not fall with the width.
    :param budget: greatest delay and energy of one answer.
    :returns: rising in width, then in delay.
    :raises InvalidInput: when the widths are others than the tables'.

    >>> costs = Tables((2, 4), (1e9, 2e9), (1e9,), [[4, 2], [8, 4]], [[1, 4], [2, 8]], [1], [1])
    >>> [(p.bits, p.delay_s) for p in frontier(costs, Quality((2, 4), (0.5, 0.1)), Budget(6.0))]
    [(2, 3.0), (2, 5.0), (4, 5.0)]
    """
    if quality.widths != tables.widths:
        raise InvalidInput(
            f"quality.widths must be those of the tables, {tables.widths}, got {quality.widths}"
        )
    better = _Settings.none()  # what keeps the budgets at less loss, its own unbeaten ones alone
    unbeaten = []
    for rows in _rows_by_loss(quality):
        found = _of_rows(tables, rows, budget).unbeaten()
        found = found.at(~found.beaten_by(better))
        unbeaten.append(found)
        better = better.joined(found).unbeaten()
    points = (point for found in unbeaten for point in _points(tables, found))
    return tuple(sorted(points, key=lambda point: (point.bits, point.delay_s)))


@dataclass(frozen=True)
class _Settings:
    """N settings: delays, energies, and their places in the flattened tables."""

    delay_s: Table
    energy_j: Table
    places: NDArray[np.intp]

    @classmethod
    def none(cls) -> _Settings:
        """Return no setting."""
        return cls(np.empty(0), np.empty(0), np.empty(0, np.intp))

    def at(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> _Settings:
        """Return some of the settings."""
        return _Settings(self.delay_s[chosen], self.energy_j[chosen], self.places[chosen])

    def joined(self, other: _Settings) -> _Settings:
        """Return these settings, then others."""
        return _Settings(
            np.concatenate([self.delay_s, other.delay_s]),
            np.concatenate([self.energy_j, other.energy_j]),
            np.concatenate([self.places, other.places]),
        )

    def unbeaten(self) -> _Settings:
        """Return those that no other beats in delay and energy, delays rising, energies falling.

        Of equal ones the first stays.
        """
        ordered = self.at(np.lexsort((self.energy_j, self.delay_s)))  # stable
        least_j = np.concatenate([[np.inf], np.minimum.accumulate(ordered.energy_j)])
        return ordered.at(ordered.energy_j < least_j[:-1])  # cheaper than all that are as fast

    def beaten_by(self, others: _Settings) -> NDArray[np.bool_]:
        """Say which settings cost at least as much as one of others, which are unbeaten."""
        count = np.searchsorted(others.delay_s, self.delay_s, side="right")
        least_j = np.concatenate([[np.inf], others.energy_j])[count]  # of those as fast
        beaten: NDArray[np.bool_] = least_j <= self.energy_j
        return beaten


def _rows_by_loss(quality: Quality) -> Iterator[list[int]]:
    """Yield the tables' rows of equal loss, the least loss first, the widest row first."""
    losses = quality.losses
    rows = sorted(range(len(losses)), key=lambda row: (losses[row], -row))
    for _, group in itertools.groupby(rows, key=lambda row: losses[row]):
        yield list(group)


def _of_rows(tables: Tables, rows: Sequence[int], budget: Budget) -> _Settings:
    """Return what can be had within the budgets."""
    delay_s, energy_j = tables.delay_s[rows], tables.energy_j[rows]  # (R, F, G)
    fit = np.isfinite(delay_s) & (delay_s <= budget.delay_s) & (energy_j <= budget.energy_j)
    places = np.arange(tables.delay_s.size).reshape(tables.delay_s.shape)[rows]
    return _Settings(delay_s[fit], energy_j[fit], places[fit])


def _points(tables: Tables, found: _Settings) -> Iterator[Point]:
    rows, robots, edges = np.unravel_index(found.places, tables.delay_s.shape)
    for row, robot, edge, delay_s, energy_j in zip(
        rows.tolist(),
        robots.tolist(),
        edges.tolist(),
        found.delay_s.tolist(),
        found.energy_j.tolist(),
        strict=True,
    ):
        yield Point(
            bits=tables.widths[row],
            robot_clock_hz=tables.robot_clocks_hz[robot],
            edge_clock_hz=tables.edge_clocks_hz[edge],
            delay_s=delay_s,
            energy_j=energy_j,
        )
