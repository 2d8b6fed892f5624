# SPDX-License-Identifier: Apache-2.0
"""What to run while no setting keeps the budgets."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Sequence

import numpy as np

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer.solution import Point
from coinfer_ros.core.optimizer.stepped import cheapest, fastest
from coinfer_ros.core.optimizer.tables import Table, Tables

Choose = Callable[[Tables, int, Budget], Point | None]
Key = Callable[[Point], tuple[float, ...]]

_KEYS: dict[Choose, Key] = {
    fastest: lambda point: (point.delay_s, point.energy_j),
    cheapest: lambda point: (point.energy_j, point.delay_s),
}


class Policy(enum.Enum):
    """Which budget is kept while both cannot be."""

    KEEP_ENERGY = "keep_energy"  # as fast as the energy budget allows: late rather than dear
    KEEP_DELAY = "keep_delay"  # as cheap as the deadline allows: dear rather than late
    BEST_EFFORT = "best_effort"  # neither, each overrun as little as can be
    STOP = "stop"  # nothing: no answer rather than a bad one


def fallback(tables: Sequence[Tables], budget: Budget, policy: Policy) -> tuple[int, Point] | None:
    """Return the setting to run while none keeps both budgets, and the place of its tables.

    Where the budget that a policy keeps cannot be kept either, it is overrun as little as can be.
    Ties go to the other cost, then to the wider width, then to what is named first.

    :param tables: what each half takes at every setting, for each way to do it.
    :param budget: greatest delay and energy of one answer.
    :returns: None for ``STOP``, and when no setting at all can be had.
    """
    if policy is Policy.STOP:
        return None
    if policy is Policy.BEST_EFFORT:
        return roomiest(tables, budget)
    if policy is Policy.KEEP_DELAY:
        kept, least = (cheapest, Budget(delay_s=budget.delay_s)), fastest
    else:
        kept, least = (fastest, Budget(energy_j=budget.energy_j)), cheapest
    return _best_over(tables, *kept) or _best_over(tables, least, Budget())


def roomiest(
    tables: Sequence[Tables], budget: Budget, *, rows: Sequence[Sequence[int]] | None = None
) -> tuple[int, Point] | None:
    """Return the setting that has most to spare in both budgets, or overruns them least.

    That is the one whose greater share of its budget is least.

    :param rows: for each table the rows to look at; None: all.
    """
    return _first(
        tables,
        lambda place, one: _least_overrun(one, budget, None if rows is None else rows[place]),
        _overrun_key(budget),
    )


def _best_over(
    tables: Sequence[Tables], choose: Choose, budget: Budget
) -> tuple[int, Point] | None:
    return _first(tables, lambda _, one: _over_widths(one, choose, budget), _KEYS[choose])


def _first(
    tables: Sequence[Tables], choose: Callable[[int, Tables], Point | None], key: Key
) -> tuple[int, Point] | None:
    found = [(place, choose(place, one)) for place, one in enumerate(tables)]
    there = [(place, point) for place, point in found if point is not None]
    return min(there, key=lambda pair: key(pair[1]), default=None)


def _over_widths(tables: Tables, choose: Choose, budget: Budget) -> Point | None:
    rows = reversed(range(len(tables.widths)))
    points = filter(None, (choose(tables, row, budget) for row in rows))
    return min(points, key=_KEYS[choose], default=None)


def _least_overrun(tables: Tables, budget: Budget, rows: Sequence[int] | None) -> Point | None:
    """Return the setting whose worse overrun, as a share of its budget, is least."""
    shares = (
        _share(tables.delay_s, budget.delay_s),
        _share(tables.energy_j, budget.energy_j),
    )
    overrun = np.where(np.isfinite(tables.delay_s), np.maximum(*shares), np.inf)  # (B, F, G)
    if rows is not None:
        others = [row for row in range(len(tables.widths)) if row not in rows]
        overrun[others] = np.inf
    if not np.isfinite(overrun).any():
        return None
    ties = np.where(overrun == overrun.min(), tables.energy_j, np.inf)[::-1]  # the widest first
    row, robot, edge = np.unravel_index(int(np.argmin(ties)), ties.shape)
    row = len(tables.widths) - 1 - row
    return Point(
        bits=tables.widths[row],
        robot_clock_hz=tables.robot_clocks_hz[robot],
        edge_clock_hz=tables.edge_clocks_hz[edge],
        delay_s=float(tables.delay_s[row, robot, edge]),
        energy_j=float(tables.energy_j[row, robot, edge]),
    )


def _overrun_key(budget: Budget) -> Key:
    def key(point: Point) -> tuple[float, ...]:
        shares = point.delay_s / budget.delay_s, point.energy_j / budget.energy_j
        return max(shares), point.energy_j

    return key


def _share(cost: Table, budget: float) -> Table:
    shares: Table = cost / budget if budget < math.inf else np.zeros_like(cost)
    return shares
