# SPDX-License-Identifier: Apache-2.0
"""The plain reference: every setting of the tables, one after another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from coinfer_ros.core.optimizer.problem import Problem
from coinfer_ros.core.optimizer.solution import Point, Solution, Status
from coinfer_ros.core.optimizer.tables import Tables


def solve_exhaustively(problem: Problem, tables: Tables) -> Solution:
    """Return the best of all settings by looking at each, with no idea used but the problem's text.

    It proves the optimum; it does not say what binds or what would help.

    :param tables: what each half takes at every setting.
    """
    best: tuple[tuple[float, ...], int] | None = None
    plan = None
    for point in every_setting(tables):
        loss = problem.loss(point.bits)
        kept = problem.budget.kept(point.delay_s, point.energy_j)
        if loss > problem.loss_max or not kept:
            continue
        key = (problem.key(point), -point.bits)
        if best is None or key < best:
            best, plan = key, point
    value = None if best is None else best[0][0]
    return Solution(
        status=Status.INFEASIBLE if plan is None else Status.OPTIMAL,
        plan=plan,
        objective=value,
        bound=value,
        binding="unknown",
        nearest_delay_s=None,
        nearest_energy_j=None,
        message="no setting keeps every budget" if plan is None else "the best of all settings",
    )


def every_setting(tables: Tables) -> Iterator[Point]:
    """Yield each setting that can be had, wider first, then in the tables' order of clocks."""
    for row, robot, edge in itertools.product(
        reversed(range(len(tables.widths))),
        range(len(tables.robot_clocks_hz)),
        range(len(tables.edge_clocks_hz)),
    ):
        delay_s = float(tables.robot_delay_s[row, robot] + tables.edge_delay_s[edge])
        if delay_s < math.inf:
            yield Point(
                bits=tables.widths[row],
                robot_clock_hz=tables.robot_clocks_hz[robot],
                edge_clock_hz=tables.edge_clocks_hz[edge],
                delay_s=delay_s,
                energy_j=float(tables.robot_energy_j[row, robot] + tables.edge_energy_j[edge]),
            )
