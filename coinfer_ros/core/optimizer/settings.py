# SPDX-License-Identifier: Apache-2.0
"""A width and two clocks with what they cost, and the numbers of a system that clocks depend on."""

from __future__ import annotations

from coinfer_ros.core.costs import System
from coinfer_ros.core.optimizer.solution import Point


def fastest(system: System, bits: int) -> Point:
    """Return the setting of both greatest clocks."""
    return point(system, bits, system.robot.clock_max_hz, system.edge.clock_max_hz)


def point(system: System, bits: int, robot_clock_hz: float, edge_clock_hz: float) -> Point:
    """Return a setting with what it costs, eq. (8) and (9)."""
    return Point(
        bits=bits,
        robot_clock_hz=robot_clock_hz,
        edge_clock_hz=edge_clock_hz,
        delay_s=system.delay_s(bits, robot_clock_hz, edge_clock_hz),
        energy_j=system.energy_j(bits, robot_clock_hz, edge_clock_hz),
    )


def cycles(system: System, bits: float) -> tuple[float, float]:
    """Return W and W', the cycles of both halves; ``bits`` may be relaxed to a real number."""
    workload = system.workload
    return (
        bits * workload.robot_flop / workload.weight_bits / system.robot.flop_per_cycle,
        workload.edge_flop_in_all / system.edge.flop_per_cycle,
    )


def price_roots(system: System) -> tuple[float, float]:
    """Return α = (ηψ)^(1/3) of the robot and β of the edge."""
    robot, edge = system.robot, system.edge
    return (
        (robot.pue * robot.power_coefficient) ** (1 / 3),
        (edge.pue * edge.power_coefficient) ** (1 / 3),
    )
