# SPDX-License-Identifier: Apache-2.0
"""The budgets that the demo goes through, made from the boards so that each one bites."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import System, Workload
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer.clocks import least_energy

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
    fastest = {
        bits: (
            system.delay_s(bits, robot.processor.clock_max_hz, edge.processor.clock_max_hz),
            system.energy_j(bits, robot.processor.clock_max_hz, edge.processor.clock_max_hz),
        )
        for bits in WEIGHT_BITS
    }
    computing_s = 2.5 * fastest[16][0]
    relaxed_s, rich_j = computing_s + ALLOWANCE_S, 1.2 * fastest[16][1]
    tight_s = 1.1 * fastest[6][0] + ALLOWANCE_S
    frugal = least_energy(system, 5, computing_s)
    # Clocks come in steps, so the least energy is not quite reached.
    scarce_j = 1.5 * (frugal.energy_j if frugal else rich_j)
    return (
        Phase("relaxed", relaxed_s, rich_j),
        Phase("tight delay", tight_s, rich_j),
        Phase("tight energy", relaxed_s, scarce_j),
        Phase("impossible", 0.5 * fastest[2][0], scarce_j),
        Phase("relaxed again", relaxed_s, rich_j),
    )
