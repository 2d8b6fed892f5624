# SPDX-License-Identifier: Apache-2.0
"""What to run while no setting keeps the budgets."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable

import numpy as np

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer.solution import Point
from coinfer_ros.core.optimizer.stepped import cheapest, fastest
from coinfer_ros.core.optimizer.tables import Table, Tables

Choose = Callable[[Tables, int, Budget], Point | None]


class Policy(enum.Enum):
    """Which budget is kept while both cannot be."""

    KEEP_ENERGY = "keep_energy"  # as fast as the energy budget allows: late rather than dear
    KEEP_DELAY = "keep_delay"  # as cheap as the deadline allows: dear rather than late
    BEST_EFFORT = "best_effort"  # neither, each overrun as little as can be
    STOP = "stop"  # nothing: no answer rather than a bad one


def fallback(tables: Tables, budget: Budget, policy: Policy) -> Point | None:
    """Return the setting to run while none keeps both budgets.

    Where the budget that a policy keeps cannot be kept either, it is overrun as little as can be.
    Ties go to the other cost, then to the wider width, then to the clocks named first.

    :param tables: what each half takes at every setting.
    :param budget: greatest delay and energy of one answer.
    :returns: None for ``STOP``, and when no setting at all can be had.
    """
    if policy is Policy.STOP:
        return None
    if policy is Policy.BEST_EFFORT:
        return _least_overrun(tables, budget)
    if policy is Policy.KEEP_DELAY:
        kept, least = (cheapest, Budget(delay_s=budget.delay_s)), fastest
    else:
        kept, least = (fastest, Budget(energy_j=budget.energy_j)), cheapest
    return _over_widths(tables, *kept) or _over_widths(tables, least, Budget())


def _over_widths(tables: Tables, choose: Choose, budget: Budget) -> Point | None:
    rows = reversed(range(len(tables.widths)))
    points = filter(None, (choose(tables, row, budget) for row in rows))
    if choose is fastest:
        return min(points, key=lambda point: (point.delay_s, point.energy_j), default=None)
    return min(points, key=lambda point: (point.energy_j, point.delay_s), default=None)


def _least_overrun(tables: Tables, budget: Budget) -> Point | None:
    """Return the setting whose worse overrun, as a share of its budget, is least."""
    shares = (
        _share(tables.delay_s, budget.delay_s),
        _share(tables.energy_j, budget.energy_j),
    )
    overrun = np.where(np.isfinite(tables.delay_s), np.maximum(*shares), np.inf)  # (B, F, G)
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


def _share(cost: Table, budget: float) -> Table:
    shares: Table = cost / budget if budget < math.inf else np.zeros_like(cost)
    return shares
