# SPDX-License-Identifier: Apache-2.0
"""Puts the two halves' costs into the tables that a plan is chosen from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.clock_limits import Band
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.optimizer import Point, Tables
from coinfer_ros.core.profile.costs import HalfCosts
from coinfer_ros.core.profile.restricted import restricted

# What tables, which need a number, call the clock of a machine that has none to set.
_OWN_PACE_HZ = 1.0


@dataclass(frozen=True)
class Joint:
    """Both halves, each computed or measured.

    :param robot: the quantized half.
    :param edge: the other; it runs at full width.
    """

    robot: HalfCosts
    edge: HalfCosts

    def within(self, robot: Band, edge: Band) -> Joint:
        """Return the same with only those clocks that the machines reach."""
        return Joint(restricted(self.robot, robot), restricted(self.edge, edge))

    @property
    def unmetered(self) -> tuple[str, ...]:
        """The halves, ``robot`` or ``edge``, whose energy is not known; no budget can be kept."""
        halves = (("robot", self.robot), ("edge", self.edge))
        return tuple(role for role, half in halves if not half.metered)

    def at(self, bits: int, *, robot_clock_hz: float, edge_clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of one setting, NaN where they are not known."""
        robot_s, robot_j = self.robot.at(bits, robot_clock_hz)
        edge_s, edge_j = self.edge.at(FULL_BITS, edge_clock_hz)
        return robot_s + edge_s, robot_j + edge_j

    def tables(self, widths: Sequence[int]) -> Tables:
        """Return what every setting takes; an energy that is not known stands as 0 in them.

        :param widths: bit-widths wanted, rising.
        :raises InvalidInput: when there are costs of none of them.
        """
        usable = self.robot.usable(widths)
        robot_s, robot_j = self.robot.tables(usable)
        edge_s, edge_j = self.edge.tables([FULL_BITS])
        return Tables(
            widths=usable,
            robot_clocks_hz=_numbered(self.robot.clocks_hz),
            edge_clocks_hz=_numbered(self.edge.clocks_hz),
            robot_delay_s=robot_s,
            robot_energy_j=np.nan_to_num(robot_j, nan=0.0),
            edge_delay_s=edge_s[0],
            edge_energy_j=np.nan_to_num(edge_j[0], nan=0.0),
        )

    def known(self, point: Point) -> Point:
        """Return a setting of those tables with NaN in place of all that is not known."""
        unknown = ["energy_j"] if self.unmetered else []
        for role, half in (("robot", self.robot), ("edge", self.edge)):
            if math.isnan(half.clocks_hz[0]):
                unknown.append(f"{role}_clock_hz")
        return dataclasses.replace(point, **dict.fromkeys(unknown, math.nan))  # type: ignore[arg-type]


def _numbered(clocks_hz: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(_OWN_PACE_HZ if math.isnan(hz) else hz for hz in clocks_hz)
