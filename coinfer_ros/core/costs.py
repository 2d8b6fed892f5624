# SPDX-License-Identifier: Apache-2.0
"""What one answer costs in delay and energy by the analytic model, eq. (4) to (9).

Equations are those of arXiv 2602.13052, which counts computation alone, to the first token, and no
power but that of switching. Three additions, all nothing by default: a link between the machines,
power that a stage draws whatever its clock, and the tokens after the first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
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
    :param static_w: power that a running stage draws whatever the clock, W. With it the energy of a
        stage is U-shaped in the clock: slower is not always cheaper.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    clock_max_hz: float
    flop_per_cycle: float
    pue: float
    power_coefficient: float
    static_w: float = 0.0

    def __post_init__(self) -> None:
        limits.CLOCK_HZ.adopt(self, "clock_max_hz")
        limits.FLOP_PER_CYCLE.adopt(self, "flop_per_cycle")
        limits.PUE.adopt(self, "pue")
        limits.POWER_COEFFICIENT.adopt(self, "power_coefficient")
        limits.POWER_W.adopt(self, "static_w")

    def delay_s(self, flop: float, clock_hz: Real) -> Real:
        """Return the time of ``flop`` FLOP at a clock above 0, eq. (4) and (5), s.

        >>> PAPER_ROBOT.delay_s(64e9, clock_hz=2e9)
        1.0
        """
        return flop / self.flop_per_cycle / clock_hz

    def energy_j(self, flop: float, clock_hz: Real) -> Real:
        """Return the energy of ``flop`` FLOP at a clock above 0, eq. (6) and (7), J.

        Static power adds its share of the time, η·P·t, which the paper leaves out.

        >>> round(PAPER_ROBOT.energy_j(64e9, clock_hz=2e9), 12)
        0.16
        """
        cycles = flop / self.flop_per_cycle
        switching = self.pue * self.power_coefficient * cycles * clock_hz * clock_hz
        if not self.static_w:
            return switching
        return switching + self.pue * self.static_w * cycles / clock_hz


@dataclass(frozen=True)
class Workload:
    """The work of one answer, split between the two machines.

    :param robot_flop: FLOP of the robot's half at its original bit-width.
    :param edge_flop: FLOP of the edge's half to the first token, never quantized.
    :param weight_bits: original bits b a weight of the robot's half, in [1, 64].
    :param tokens: tokens of an answer, in [1, 1e6].
    :param token_flop: FLOP of each token after the first, on the edge.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    robot_flop: float
    edge_flop: float
    weight_bits: int = 16
    tokens: int = 1
    token_flop: float = 0.0

    def __post_init__(self) -> None:
        limits.FLOP.adopt(self, "robot_flop")
        limits.FLOP.adopt(self, "edge_flop")
        checks.whole("weight_bits", self.weight_bits, low=1, high=limits.WEIGHT_BITS_MAX)
        checks.whole("tokens", self.tokens, low=1, high=limits.TOKENS_MAX)
        limits.TOKEN_FLOP.adopt(self, "token_flop")

    @cached_property
    def edge_flop_in_all(self) -> float:
        """The edge's work for all tokens of an answer, FLOP.

        >>> Workload(robot_flop=1.0, edge_flop=100.0, tokens=8, token_flop=10.0).edge_flop_in_all
        170.0
        """
        return self.edge_flop + (self.tokens - 1) * self.token_flop

    def robot_flop_at(self, bits: int) -> float:
        """Return the robot's work at ``bits`` bits a weight, b'N/b: linear, as eq. (4) assumes.

        >>> Workload(robot_flop=160.0, edge_flop=1.0).robot_flop_at(4)
        40.0
        """
        return bits * self.robot_flop / self.weight_bits


@dataclass(frozen=True)
class Link:
    """What the way between the machines takes, whatever the plan; the paper leaves it out.

    :param payload_bytes: bytes of the embedding and of the answer together.
    :param goodput_bps: payload bits a second that get through, bit/s.
    :param round_trip_s: time of an empty message there and back, s.
    :param radio_w: power of the robot's radio while it sends and receives, W.
    :raises InvalidInput: naming the field, its rule and what came.

    >>> Link(payload_bytes=250e3, goodput_bps=20e6, round_trip_s=0.025, radio_w=1.5).delay_s
    0.125
    """

    payload_bytes: float
    goodput_bps: float
    round_trip_s: float = 0.0
    radio_w: float = 0.0

    def __post_init__(self) -> None:
        limits.PAYLOAD_BYTES.adopt(self, "payload_bytes")
        limits.GOODPUT_BPS.adopt(self, "goodput_bps")
        limits.ROUND_TRIP_S.adopt(self, "round_trip_s")
        limits.POWER_W.adopt(self, "radio_w")

    @property
    def air_s(self) -> float:
        """Time that the payload is on the air, s."""
        return 8.0 * self.payload_bytes / self.goodput_bps

    @cached_property
    def delay_s(self) -> float:
        """Delay that it adds to an answer, s."""
        return self.air_s + self.round_trip_s

    @cached_property
    def energy_j(self) -> float:
        """Energy that it adds to an answer, J."""
        return self.radio_w * self.air_s


NO_LINK = Link(payload_bytes=0.0, goodput_bps=1.0)


@dataclass(frozen=True)
class Budget:
    """What one answer may take.

    :param delay_s: greatest delay, s; inf is no limit.
    :param energy_j: greatest energy, J; inf is no limit.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    delay_s: float = math.inf
    energy_j: float = math.inf

    def __post_init__(self) -> None:
        if self.delay_s != math.inf:
            limits.DELAY_S.adopt(self, "delay_s")
        if self.energy_j != math.inf:
            limits.ENERGY_J.adopt(self, "energy_j")

    def kept(self, delay_s: float, energy_j: float) -> bool:
        """Say whether an answer that takes this keeps both budgets."""
        return delay_s <= self.delay_s and energy_j <= self.energy_j


@dataclass(frozen=True)
class System:
    """Robot, edge, the work that they share and the way between them.

    :param robot: the machine that runs the quantized half.
    :param edge: the machine that runs the rest.
    :param workload: what they run.
    :param link: what the way between them takes.
    """

    robot: Processor
    edge: Processor
    workload: Workload
    link: Link = NO_LINK

    def delay_s(self, bits: int, robot_clock_hz: float, edge_clock_hz: float) -> float:
        """Return the delay of one answer, eq. (8) and the link, s; clocks in Hz, above 0."""
        robot_s = self.robot.delay_s(self.workload.robot_flop_at(bits), robot_clock_hz)
        edge_s = self.edge.delay_s(self.workload.edge_flop_in_all, edge_clock_hz)
        return robot_s + (edge_s + self.link.delay_s)

    def energy_j(self, bits: int, robot_clock_hz: float, edge_clock_hz: float) -> float:
        """Return the energy of one answer, eq. (9) and the link, J; clocks in Hz, above 0."""
        robot_j = self.robot.energy_j(self.workload.robot_flop_at(bits), robot_clock_hz)
        edge_j = self.edge.energy_j(self.workload.edge_flop_in_all, edge_clock_hz)
        return robot_j + (edge_j + self.link.energy_j)


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
