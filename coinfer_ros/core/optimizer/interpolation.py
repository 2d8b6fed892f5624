# SPDX-License-Identifier: Apache-2.0
"""Fills in clocks between measured ones, only when asked and never beyond them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer.tables import Table, Tables


def interpolated(
    tables: Tables, *, robot_clocks_hz: Sequence[float], edge_clocks_hz: Sequence[float]
) -> Tables:
    """Return tables at other clocks, each cost a monotone cubic in the clock between measured ones.

    Nothing is extrapolated, neither over clocks nor over widths: a clock beyond the measured ones,
    or next to a setting that cannot be had, cannot be had. Measured clocks keep their values; the
    others are remembered in :attr:`Tables.robot_guessed_hz` and :attr:`Tables.edge_guessed_hz`, and
    a plan that uses one says so.

    :param tables: what was measured; its clocks rise.
    :param robot_clocks_hz: (F',) clocks wanted, rising, Hz.
    :param edge_clocks_hz: (G',) clocks wanted, rising, Hz.
    :raises InvalidInput: when clocks do not rise.
    """
    for name in ("robot_clocks_hz", "edge_clocks_hz"):
        _check_rising(f"tables.{name}", getattr(tables, name))
    _check_rising("robot_clocks_hz", robot_clocks_hz)
    _check_rising("edge_clocks_hz", edge_clocks_hz)
    return dataclasses.replace(
        tables,
        robot_clocks_hz=tuple(robot_clocks_hz),
        edge_clocks_hz=tuple(edge_clocks_hz),
        robot_delay_s=_rows(tables.robot_clocks_hz, tables.robot_delay_s, robot_clocks_hz),
        robot_energy_j=_rows(tables.robot_clocks_hz, tables.robot_energy_j, robot_clocks_hz),
        edge_delay_s=_rows(tables.edge_clocks_hz, tables.edge_delay_s, edge_clocks_hz),
        edge_energy_j=_rows(tables.edge_clocks_hz, tables.edge_energy_j, edge_clocks_hz),
        robot_guessed_hz=_unmeasured(
            tables.robot_clocks_hz, tables.robot_guessed_hz, robot_clocks_hz
        ),
        edge_guessed_hz=_unmeasured(tables.edge_clocks_hz, tables.edge_guessed_hz, edge_clocks_hz),
    )


def _check_rising(name: str, clocks_hz: Sequence[float]) -> None:
    steps = np.diff(np.asarray(clocks_hz, np.float64))
    if not (steps > 0.0).all():
        raise InvalidInput(f"{name} must rise from one to the next, got {list(clocks_hz)!r}")


def _rows(known_hz: Sequence[float], costs: Table, wanted_hz: Sequence[float]) -> Table:
    """Interpolate the last axis of ``costs``; inf where a neighbour is inf or missing."""
    rows = np.atleast_2d(costs)
    found = np.stack([_row(np.asarray(known_hz), row, np.asarray(wanted_hz)) for row in rows])
    return found.reshape(*costs.shape[:-1], len(wanted_hz))


def _row(known_hz: Table, costs: Table, wanted_hz: Table) -> Table:
    found = np.full(wanted_hz.shape, np.inf)
    edges = np.flatnonzero(np.diff(np.isfinite(costs).astype(int)))
    for part in np.split(np.arange(costs.size), edges + 1):  # runs without a gap
        if not np.isfinite(costs[part]).all():
            continue
        inside = (wanted_hz >= known_hz[part[0]]) & (wanted_hz <= known_hz[part[-1]])
        if part.size > 1:
            curve = PchipInterpolator(known_hz[part], costs[part])
            found[inside] = np.maximum(curve(wanted_hz[inside]), 0.0)
        measured = np.isin(wanted_hz, known_hz[part])
        found[measured] = costs[part][np.isin(known_hz[part], wanted_hz)]
    return found


def _unmeasured(
    known_hz: Sequence[float], guessed_hz: frozenset[float], wanted_hz: Sequence[float]
) -> frozenset[float]:
    return frozenset(hz for hz in wanted_hz if hz not in known_hz or hz in guessed_hz)
