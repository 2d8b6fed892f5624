# SPDX-License-Identifier: Apache-2.0
"""Solves problem (P1) of arXiv 2602.13052 exactly over tables: finite clock steps, any cost law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer.solution import Needs, Point, Solution, solution
from coinfer_ros.core.optimizer.tables import Table, Tables


@dataclass(frozen=True)
class _Costs:
    """Total delay and energy of one width, (F, G) each."""

    delay_s: Table
    energy_j: Table


def solve_stepped(
    tables: Tables, budget: Budget, *, overhead_s: float = 0.0, overhead_j: float = 0.0
) -> Solution:
    """Return the widest bit-width that fits and its clocks of least energy.

    Maximise the width such that ``robot + edge + overhead`` keeps the budget in delay and energy;
    among equals take least energy, then least delay, then the clocks that the tables name first.
    All settings are tried, so the answer is exact for any table.

    :param tables: what each half takes at every setting.
    :param budget: greatest delay and energy of one answer.
    :param overhead_s: delay that no setting changes (the link), s, at least 0.
    :param overhead_j: energy that no setting changes, J, at least 0.
    :raises InvalidInput: when an overhead is negative or not finite.
    """
    checks.number("overhead_s", overhead_s, low=0.0, unit="s")
    checks.number("overhead_j", overhead_j, low=0.0, unit="J")
    delays: list[tuple[float, int]] = []
    energies: list[tuple[float, int]] = []
    best = None
    for row in reversed(range(len(tables.widths))):
        costs = _costs(tables, row, overhead_s, overhead_j)
        in_time = costs.delay_s <= budget.delay_s
        affordable = costs.energy_j <= budget.energy_j
        fits = in_time & affordable
        if fits.any():
            best = _first(tables, row, costs, fits, by_energy=True)
            break
        bits = tables.widths[row]
        energies.append((_least(costs.energy_j, in_time), bits))
        delays.append((_least(costs.delay_s, affordable), bits))
    needs = Needs(_smallest(delays), _smallest(energies)) if delays else None
    return solution(best, needs, budget)


def best_effort(
    tables: Tables, budget: Budget, *, overhead_s: float = 0.0, overhead_j: float = 0.0
) -> Point | None:
    """Return what to run while nothing keeps both budgets: an answer late rather than dear.

    The setting of least delay within the energy budget; where none is, the one of least energy.
    Ties go to the other cost, then to the wider width, then to the clocks named first.

    :param tables: what each half takes at every setting.
    :param budget: greatest delay and energy of one answer.
    :param overhead_s: delay that no setting changes (the link), s, at least 0.
    :param overhead_j: energy that no setting changes, J, at least 0.
    :returns: None only when no setting at all can be had.
    :raises InvalidInput: when an overhead is negative or not finite.
    """
    checks.number("overhead_s", overhead_s, low=0.0, unit="s")
    checks.number("overhead_j", overhead_j, low=0.0, unit="J")
    rows = range(len(tables.widths))
    every = [_costs(tables, row, overhead_s, overhead_j) for row in rows]
    affordable = [costs.energy_j <= budget.energy_j for costs in every]
    by_energy = not any(mask.any() for mask in affordable)
    masks = [np.isfinite(costs.energy_j) for costs in every] if by_energy else affordable
    points = [
        _first(tables, row, every[row], masks[row], by_energy=by_energy)
        for row in reversed(rows)
        if masks[row].any()
    ]
    if by_energy:
        return min(points, key=lambda point: (point.energy_j, point.delay_s), default=None)
    return min(points, key=lambda point: (point.delay_s, point.energy_j))


def _costs(tables: Tables, row: int, overhead_s: float, overhead_j: float) -> _Costs:
    return _Costs(
        delay_s=tables.robot_delay_s[row][:, None] + (tables.edge_delay_s + overhead_s),
        energy_j=tables.robot_energy_j[row][:, None] + (tables.edge_energy_j + overhead_j),
    )


def _first(
    tables: Tables, row: int, costs: _Costs, mask: NDArray[np.bool_], *, by_energy: bool
) -> Point:
    """Return the best setting of one width among those of ``mask``, which has one."""
    leading, other = costs.energy_j, costs.delay_s
    if not by_energy:
        leading, other = other, leading
    ties = mask & (leading == _least(leading, mask))
    best = int(np.argmin(np.where(ties, other, np.inf)))
    robot, edge = np.unravel_index(best, mask.shape)
    return Point(
        bits=tables.widths[row],
        robot_clock_hz=tables.robot_clocks_hz[robot],
        edge_clock_hz=tables.edge_clocks_hz[edge],
        delay_s=float(costs.delay_s[robot, edge]),
        energy_j=float(costs.energy_j[robot, edge]),
    )


def _least(table: Table, mask: NDArray[np.bool_]) -> float:
    """Return the least entry where ``mask`` holds, inf where nowhere."""
    return float(np.min(table, where=mask, initial=np.inf))


def _smallest(needs: list[tuple[float, int]]) -> tuple[float, int] | None:
    least = min(needs)
    return least if np.isfinite(least[0]) else None
