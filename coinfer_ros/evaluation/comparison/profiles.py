# SPDX-License-Identifier: Apache-2.0
"""Table I of arXiv 2602.13052: three clocks of one robot, one budget that binds at a time.

The paper gives neither its clocks nor how it metered. Here the robot is the simulated Jetson AGX
Orin at three of its own steps and the edge the simulated RTX 3090 at the clock that it runs under
load; workload as in the paper. The budgets of a column are those that the medium profile needs for
a width and half a bit more, so that what binds is never the rounding of a single column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Workload
from coinfer_ros.evaluation.comparison.scenarios import WIDTHS

PROFILES_HZ = {"low": 624.75e6, "medium": 930.75e6, "high": 1300.5e6}
MEDIUM_BITS = (3.5, 4.5, 5.5)  # of the columns' budgets
AXES = ("delay", "energy")


@dataclass(frozen=True)
class Machines:
    """Both machines, and what is counted of them.

    :param robot: its board.
    :param edge: the edge's.
    :param work: of one answer.
    :param idle: count idle power, too, both machines', for as long as the answer takes.
    """

    robot: Board
    edge: Board
    work: Workload
    idle: bool

    def cost(self, bits: float, clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of an answer; bits may be real, for budgets."""
        flop = bits * self.work.robot_flop / self.work.weight_bits
        edge_hz = self.edge.default_clock_hz
        robot, edge = self.robot.processor, self.edge.processor
        delay_s = robot.delay_s(flop, clock_hz)
        delay_s += edge.delay_s(self.work.edge_flop_in_all, edge_hz)
        energy_j = robot.energy_j(flop, clock_hz)
        energy_j += edge.energy_j(self.work.edge_flop_in_all, edge_hz)
        if self.idle:
            energy_j += (self.robot.idle_power_w + self.edge.idle_power_w) * delay_s
        return delay_s, energy_j


@dataclass(frozen=True)
class Cell:
    """One profile in one column.

    :param profile: a key of ``PROFILES_HZ``.
    :param axis: the budget that binds, ``delay`` or ``energy``.
    :param budget: it, s or J; the other is infinite.
    :param bits: widest width that fits; None: none.
    :param cost: what that takes, s or J; of the narrowest width where none fits.
    """

    profile: str
    axis: str
    budget: float
    bits: int | None
    cost: float


def cells(machines: Machines, widths: Sequence[int] = WIDTHS) -> list[Cell]:
    """Return all of a model's half of the table, column by column.

    :param widths: those that may be chosen, rising.
    """
    medium = PROFILES_HZ["medium"]
    return [
        _cell(
            profile, axis, machines.cost(bits, medium)[place], widths, _costs(machines, hz, place)
        )
        for place, axis in enumerate(AXES)
        for bits in MEDIUM_BITS
        for profile, hz in PROFILES_HZ.items()
    ]


def _costs(machines: Machines, clock_hz: float, place: int) -> Callable[[int], float]:
    return lambda bits: machines.cost(bits, clock_hz)[place]


def _cell(
    profile: str, axis: str, budget: float, widths: Sequence[int], cost: Callable[[int], float]
) -> Cell:
    fitting = [bits for bits in widths if cost(bits) <= budget]
    bits = fitting[-1] if fitting else None
    return Cell(profile, axis, budget, bits, cost(widths[0] if bits is None else bits))


def order(axis: str) -> tuple[str, ...]:
    """Return the profiles as the paper finds them in every column, the best first."""
    names = tuple(PROFILES_HZ)
    return names[::-1] if axis == "delay" else names
