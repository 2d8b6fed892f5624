# SPDX-License-Identifier: Apache-2.0
"""Problem (P1) without units: four numbers say all of it.

With x = f/f_max and y = f'/f'_max of the two clocks, (30a) and (30b) of arXiv 2602.13052 are

    b·robot_delay/x + edge_delay/y <= 1,    b·robot_energy·x² + edge_energy·y² <= 1,

so every instance with the same four numbers has the same answer. Numerical solvers like its scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.costs import Budget, System
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.optimizer.settings import cycles


@dataclass(frozen=True)
class Canonical:
    """One instance; shares are of the budgets that the link leaves, at the greatest clocks.

    :param robot_delay: share of the delay that each bit of the robot's half takes.
    :param edge_delay: share of the delay that the edge's half takes.
    :param robot_energy: share of the energy that each bit of the robot's half takes.
    :param edge_energy: share of the energy that the edge's half takes.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    robot_delay: float
    edge_delay: float
    robot_energy: float
    edge_energy: float

    def __post_init__(self) -> None:
        for name in ("robot_delay", "edge_delay", "robot_energy", "edge_energy"):
            checks.number(name, getattr(self, name), above=0.0)


def canonical(system: System, budget: Budget) -> Canonical | None:
    """Return an instance without units, None when the link alone uses up a budget.

    :param system: both machines and the work.
    :param budget: greatest delay and energy of one answer, finite.
    :raises Unsupported: when a machine has static power: (P1) has none.
    :raises InvalidInput: when a budget is infinite.
    """
    robot, edge = system.robot, system.edge
    if robot.static_w or edge.static_w:
        raise Unsupported("static_w must be 0 in the paper's problem (P1), got power on a machine")
    if math.inf in (budget.delay_s, budget.energy_j):
        raise InvalidInput(f"budget must be finite in the paper's problem (P1), got {budget}")
    delay_s = budget.delay_s - system.link.delay_s
    energy_j = budget.energy_j - system.link.energy_j
    if delay_s <= 0.0 or energy_j <= 0.0:
        return None
    work, edge_work = cycles(system, 1.0)
    shares = (
        work / robot.clock_max_hz / delay_s,
        edge_work / edge.clock_max_hz / delay_s,
        robot.pue * robot.power_coefficient * work * robot.clock_max_hz**2 / energy_j,
        edge.pue * edge.power_coefficient * edge_work * edge.clock_max_hz**2 / energy_j,
    )
    if not all(0.0 < share < math.inf for share in shares):
        raise InvalidInput(
            f"budget must be within what floats tell apart from the machines' costs, got {budget}"
        )
    return Canonical(*shares)
