# SPDX-License-Identifier: Apache-2.0
"""What one answer costs in delay and energy by the analytic model, eq. (4) to (9).

Equations are those of arXiv 2602.13052. The model counts computation only: what a link, a queue or
an idle board add comes on top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, limits

Real = TypeVar("Real", float, NDArray[np.float64])


@dataclass(frozen=True)
class Processor:
    """One machine's pace and power law.

    :param clock_max_hz: greatest clock, Hz.
    :param flop_per_cycle: FLOP done in one cycle.
    :param pue: power usage effectiveness, the energy bought over the energy computed with.
    :param power_coefficient: ψ of the power ψ·f³, W/Hz³.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    clock_max_hz: float
    flop_per_cycle: float
    pue: float
    power_coefficient: float

    def __post_init__(self) -> None:
        limits.CLOCK_HZ.check("clock_max_hz", self.clock_max_hz)
        limits.FLOP_PER_CYCLE.check("flop_per_cycle", self.flop_per_cycle)
        limits.PUE.check("pue", self.pue)
        limits.POWER_COEFFICIENT.check("power_coefficient", self.power_coefficient)

    def delay_s(self, flop: float, clock_hz: Real) -> Real:
        """Return the time of ``flop`` FLOP at a clock above 0, eq. (4) and (5), s.

        >>> PAPER_ROBOT.delay_s(64e9, clock_hz=2e9)
        1.0
        """
        return flop / self.flop_per_cycle / clock_hz

    def energy_j(self, flop: float, clock_hz: Real) -> Real:
        """Return the energy of ``flop`` FLOP at a clock, eq. (6) and (7), J.

        >>> round(PAPER_ROBOT.energy_j(64e9, clock_hz=2e9), 12)
        0.16
        """
        cycles = flop / self.flop_per_cycle
        return self.pue * self.power_coefficient * cycles * clock_hz * clock_hz


@dataclass(frozen=True)
class Workload:
    """The work of one answer, split between the two machines.

    :param robot_flop: FLOP of the robot's half at its original bit-width.
    :param edge_flop: FLOP of the edge's half, never quantized.
    :param weight_bits: original bits b a weight of the robot's half, in [1, 64].
    :raises InvalidInput: naming the field, its rule and what came.
    """

    robot_flop: float
    edge_flop: float
    weight_bits: int = 16

    def __post_init__(self) -> None:
        limits.FLOP.check("robot_flop", self.robot_flop)
        limits.FLOP.check("edge_flop", self.edge_flop)
        checks.whole("weight_bits", self.weight_bits, low=1, high=limits.WEIGHT_BITS_MAX)

    def robot_flop_at(self, bits: int) -> float:
        """Return the robot's work at ``bits`` bits a weight, b'N/b: linear, as eq. (4) assumes.

        >>> Workload(robot_flop=160.0, edge_flop=1.0).robot_flop_at(4)
        40.0
        """
        return bits * self.robot_flop / self.weight_bits


@dataclass(frozen=True)
class Budget:
    """What one answer may take.

    :param delay_s: greatest delay, s.
    :param energy_j: greatest energy, J.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    delay_s: float
    energy_j: float

    def __post_init__(self) -> None:
        limits.DELAY_S.check("delay_s", self.delay_s)
        limits.ENERGY_J.check("energy_j", self.energy_j)


@dataclass(frozen=True)
class System:
    """Robot, edge and the work that they share.

    :param robot: the machine that runs the quantized half.
    :param edge: the machine that runs the rest.
    :param workload: what they run.
    """

    robot: Processor
    edge: Processor
    workload: Workload

    def delay_s(self, bits: int, robot_clock_hz: float, edge_clock_hz: float) -> float:
        """Return the delay of one answer, eq. (8), s; clocks in Hz, above 0."""
        return self.robot.delay_s(
            self.workload.robot_flop_at(bits), robot_clock_hz
        ) + self.edge.delay_s(self.workload.edge_flop, edge_clock_hz)

    def energy_j(self, bits: int, robot_clock_hz: float, edge_clock_hz: float) -> float:
        """Return the energy of one answer, eq. (9), J; clocks in Hz."""
        return self.robot.energy_j(
            self.workload.robot_flop_at(bits), robot_clock_hz
        ) + self.edge.energy_j(self.workload.edge_flop, edge_clock_hz)


# arXiv 2602.13052, Sec. VI: the constants of its simulations.
PAPER_ROBOT = Processor(clock_max_hz=2e9, flop_per_cycle=32, pue=1, power_coefficient=2e-29)
PAPER_EDGE = Processor(clock_max_hz=10e9, flop_per_cycle=128, pue=2, power_coefficient=1e-28)

# The robot's FLOP are the paper's ("to the first token", Sec. VI). It gives neither the split nor
# the edge's FLOP nor b. Counted with torch's FlopCounterMode on the Hugging Face architectures at
# 224 pixels, 2 FLOP a multiply-add: vision encoder, Q-Former and projection of BLIP-2 OPT-2.7B take
# 533.59 GFLOP and OPT over 33 positions 174.95; vision encoder and projection of GIT-base on 6
# frames take 212.15 and its decoder 183.13. So the paper's figures are the robot's half.
BLIP2 = Workload(robot_flop=533.66e9, edge_flop=174.95e9, weight_bits=16)
GIT = Workload(robot_flop=212.27e9, edge_flop=183.13e9, weight_bits=16)

# arXiv 2602.13052, Figs 5 to 8: what is held while the other budget is swept.
BLIP2_BUDGET = Budget(delay_s=3.5, energy_j=2.0)
GIT_BUDGET = Budget(delay_s=2.0, energy_j=2.0)
