# SPDX-License-Identifier: Apache-2.0
"""Delay and energy of every setting that can be had, measured or computed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks, limits
from coinfer_ros.core.costs import System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.widths import check_widths

Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tables:
    """What each half of one answer takes, B widths by F robot clocks, and G edge clocks.

    Nothing is assumed of their shape: a faster clock may be slower or cheaper. A setting that
    cannot be had (or was not measured) has an infinite delay and an infinite energy.

    :param widths: (B,) bit-widths, rising, in [1, 32].
    :param robot_clocks_hz: (F,) Hz.
    :param edge_clocks_hz: (G,) Hz.
    :param robot_delay_s: (B, F) delay of the robot's half, s.
    :param robot_energy_j: (B, F) energy of the robot's half, J.
    :param edge_delay_s: (G,) delay of the edge's half, s.
    :param edge_energy_j: (G,) energy of the edge's half, J.
    :param robot_guessed_hz: robot clocks whose costs are interpolated, not measured or computed.
    :param edge_guessed_hz: edge clocks likewise.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    widths: tuple[int, ...]
    robot_clocks_hz: tuple[float, ...]
    edge_clocks_hz: tuple[float, ...]
    robot_delay_s: Table
    robot_energy_j: Table
    edge_delay_s: Table
    edge_energy_j: Table
    robot_guessed_hz: frozenset[float] = frozenset()
    edge_guessed_hz: frozenset[float] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", check_widths(self.widths))
        for name in ("robot_clocks_hz", "edge_clocks_hz"):
            _check_clocks(name, getattr(self, name))
        robot = (len(self.widths), len(self.robot_clocks_hz))
        edge = (len(self.edge_clocks_hz),)
        self._freeze("robot_delay_s", robot)
        self._freeze("robot_energy_j", robot)
        self._freeze("edge_delay_s", edge)
        self._freeze("edge_energy_j", edge)
        for half in ("robot", "edge"):
            delay_s, energy_j = getattr(self, f"{half}_delay_s"), getattr(self, f"{half}_energy_j")
            if (np.isinf(delay_s) != np.isinf(energy_j)).any():
                raise InvalidInput(
                    f"{half}_delay_s and {half}_energy_j must be infinite in the same places"
                )

    @cached_property
    def delay_s(self) -> Table:
        """(B, F, G) delay of every setting, s."""
        return _frozen(self.robot_delay_s[:, :, None] + self.edge_delay_s)

    @cached_property
    def energy_j(self) -> Table:
        """(B, F, G) energy of every setting, J."""
        return _frozen(self.robot_energy_j[:, :, None] + self.edge_energy_j)

    def guesses(self, robot_clock_hz: float, edge_clock_hz: float) -> bool:
        """Say whether the costs of these clocks are interpolated."""
        return robot_clock_hz in self.robot_guessed_hz or edge_clock_hz in self.edge_guessed_hz

    def with_overhead(self, *, delay_s: float, energy_j: float) -> Tables:
        """Return these tables with what no setting changes on top: a link, a queue.

        :param delay_s: s, at least 0.
        :param energy_j: J, at least 0.
        :raises InvalidInput: when one is negative or not finite.
        """
        checks.number("overhead delay_s", delay_s, low=0.0, unit="s")
        checks.number("overhead energy_j", energy_j, low=0.0, unit="J")
        return dataclasses.replace(
            self,
            edge_delay_s=self.edge_delay_s + delay_s,
            edge_energy_j=self.edge_energy_j + energy_j,
        )

    def _freeze(self, name: str, shape: tuple[int, ...]) -> None:
        """Check one table and put a read-only copy of it in its place."""
        try:
            table = np.array(
                getattr(self, name), np.float64
            )  # a copy: the caller may go on writing
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"{name} must be real numbers, got {error}") from error
        if table.shape != shape:
            raise InvalidInput(f"{name} must have shape {shape}, got {table.shape}")
        if not (table >= 0.0).all():
            raise InvalidInput(f"{name} must be at least 0 and no NaN, got {table.min()}")
        object.__setattr__(self, name, _frozen(table))


def analytic_tables(
    system: System,
    *,
    widths: Sequence[int],
    robot_clocks_hz: Sequence[float],
    edge_clocks_hz: Sequence[float],
) -> Tables:
    """Fill tables by the analytic model, arXiv 2602.13052, eq. (4) to (7); the link is the edge's.

    :param system: both machines and the work.
    :param widths: (B,) bit-widths, rising, in [1, 32].
    :param robot_clocks_hz: (F,) clocks that the robot can set, above 0, Hz.
    :param edge_clocks_hz: (G,) clocks that the edge can set, above 0, Hz.
    :raises InvalidInput: when an argument breaks its rule.
    """
    allowed = check_widths(widths)
    robot_hz = _check_clocks("robot_clocks_hz", robot_clocks_hz)
    edge_hz = _check_clocks("edge_clocks_hz", edge_clocks_hz)
    edge_flop, link = system.workload.edge_flop_in_all, system.link
    flops = [system.workload.robot_flop_at(bits) for bits in allowed]
    return Tables(
        widths=allowed,
        robot_clocks_hz=tuple(robot_hz.tolist()),
        edge_clocks_hz=tuple(edge_hz.tolist()),
        robot_delay_s=np.stack([system.robot.delay_s(flop, robot_hz) for flop in flops]),
        robot_energy_j=np.stack([system.robot.energy_j(flop, robot_hz) for flop in flops]),
        edge_delay_s=system.edge.delay_s(edge_flop, edge_hz) + link.delay_s,
        edge_energy_j=system.edge.energy_j(edge_flop, edge_hz) + link.energy_j,
    )


def _frozen(table: Table) -> Table:
    """Return a table that nobody can write any more."""
    table.setflags(write=False)
    return table


def _check_clocks(name: str, clocks_hz: Sequence[float]) -> Table:
    """Return clocks as an array when there are some, each within its limits.

    :raises InvalidInput: naming them, the rule and what came.
    """
    if len(clocks_hz) == 0:
        raise InvalidInput(f"{name} must hold at least one clock, got none")
    low, high = limits.CLOCK_HZ.low, limits.CLOCK_HZ.high
    try:
        clocks = np.array(clocks_hz, np.float64)
        good = bool(((clocks >= low) & (clocks <= high)).all())
    except (TypeError, ValueError):
        good = False
    if not good or clocks.ndim != 1:
        # One by one, to name the one that is not.
        clocks = np.array([limits.CLOCK_HZ.check(name, clock_hz) for clock_hz in clocks_hz])
    return clocks
