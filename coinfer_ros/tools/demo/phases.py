# SPDX-License-Identifier: Apache-2.0
"""The budgets that the demo goes through, made from the boards so that each one bites."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import System, Workload
from coinfer_ros.core.model import WEIGHT_BITS

# What the framework and this machine add to the modelled computation, roughly.
ALLOWANCE_S = 0.04


@dataclass(frozen=True)
class Phase:
    """A stretch of the demo under one pair of budgets.

    :param title: what it shows.
    :param delay_s: delay budget, s.
    :param energy_j: energy budget, J.
    """

    title: str
    delay_s: float
    energy_j: float


def phases(robot: Board, edge: Board, workload: Workload) -> tuple[Phase, ...]:
    """Return the demo's phases for two boards and a workload."""
    system = System(robot.processor, edge.processor, workload)
    fast = [_fastest(system, bits) for bits in WEIGHT_BITS]
    relaxed_s = 2.5 * fast[-1][0] + ALLOWANCE_S
    tight_s = fast[4][0] * 1.1 + ALLOWANCE_S
    # At the relaxed pace the clocks, and with them the energy, are far below their greatest.
    rich_j = 1.2 * fast[-1][1]
    scarce_j = fast[2][1] * (fast[2][0] / relaxed_s) ** 2 * 1.6
    return (
        Phase("relaxed", relaxed_s, rich_j),
        Phase("tight delay", tight_s, rich_j),
        Phase("tight energy", relaxed_s, scarce_j),
        Phase("impossible", 0.5 * fast[0][0], scarce_j),
        Phase("relaxed again", relaxed_s, rich_j),
    )


def _fastest(system: System, bits: int) -> tuple[float, float]:
    """Return delay (s) and energy (J) of one answer at the greatest clocks."""
    robot, edge = system.robot, system.edge
    flop = system.workload.robot_flop_at(bits)
    return (
        robot.delay_s(flop, robot.clock_max_hz)
        + edge.delay_s(system.workload.edge_flop, edge.clock_max_hz),
        robot.energy_j(flop, robot.clock_max_hz)
        + edge.energy_j(system.workload.edge_flop, edge.clock_max_hz),
    )
