# SPDX-License-Identifier: Apache-2.0
"""All that a decision hangs on beside the routes: it is a function of them and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from coinfer_ros.core.clock_limits import ALL, Band
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.learning import Learnt
from coinfer_ros.core.optimizer import Objective, Policy


@dataclass(frozen=True)
class Question:
    """What is asked of a plan.

    :param budget: greatest delay and energy of one answer.
    :param widths: bit-widths that the robot may run, rising: the narrowest is the third budget,
        that of quality.
    :param wire_widths: widths that the wire may have, rising.
    :param objective: least distortion (then energy), least energy or least delay.
    :param policy: what to run while nothing keeps the budgets.
    """

    budget: Budget
    widths: tuple[int, ...]
    wire_widths: tuple[int, ...] = (16,)
    objective: Objective = Objective.LOSS
    policy: Policy = Policy.KEEP_ENERGY


@dataclass(frozen=True)
class Cut:
    """What crosses one cut.

    :param name: its name; empty: the model's only cut.
    :param shape: (T, C) of the embedding; (0, 0): not known yet.
    """

    name: str
    shape: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class State:
    """What is known at one moment.

    :param learnt: what answers have taught.
    :param robot_reach: the robot's clocks that it reaches.
    :param edge_reach: (E,) likewise of each edge.
    :param others_hz: (E,) the fastest clock that other robots hold each edge at, Hz; 0: none.
    :param present: (E,) which edges can be asked now.
    :param cuts: what crosses each cut.
    """

    learnt: Learnt
    robot_reach: Band
    edge_reach: tuple[Band, ...]
    others_hz: tuple[float, ...]
    present: tuple[bool, ...]
    cuts: tuple[Cut, ...] = field(default_factory=tuple)

    def shape(self, cut: str) -> tuple[int, int]:
        """Return (T, C) of what crosses a cut, (0, 0) when it is not known."""
        return next((one.shape for one in self.cuts if one.name == cut), (0, 0))

    def edge_band(self, edge: int, *, alone: bool) -> Band:
        """Return the clocks to plan an edge with.

        :param alone: as if no other robot held it.
        """
        reach = self.edge_reach[edge]
        low_hz = reach.low_hz if alone else max(reach.low_hz, self.others_hz[edge])
        return ALL if (low_hz, reach.high_hz) == (0.0, ALL.high_hz) else Band(low_hz, reach.high_hz)
