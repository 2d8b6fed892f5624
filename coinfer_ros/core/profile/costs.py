# SPDX-License-Identifier: Apache-2.0
"""What one half of an answer takes at every setting, computed or measured, in one form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from coinfer_ros.core.boards import Board
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile.fields import Table
from coinfer_ros.core.profile.profile import Profile


class HalfCosts(Protocol):
    """One half on one machine."""

    @property
    def clocks_hz(self) -> tuple[float, ...]:
        """(F,) clocks that can be planned, Hz; one NaN: its own pace."""
        ...

    @property
    def metered(self) -> bool:
        """True where energies are known."""
        ...

    def usable(self, widths: Sequence[int]) -> tuple[int, ...]:
        """Return those of ``widths`` that there are costs of."""
        ...

    def tables(self, widths: Sequence[int]) -> tuple[Table, Table]:
        """Return (B, F) delays in s and energies in J; NaN is an energy that is not known."""
        ...

    def at(self, bits: int, clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of one setting; NaN where it is not known."""
        ...


@dataclass(frozen=True)
class ComputedHalf:
    """A half by the analytic model, arXiv 2602.13052, eq. (4) to (7).

    :param board: the machine.
    :param flop_at: from a bit-width to the work of one run, FLOP.
    """

    board: Board
    flop_at: Callable[[int], float]
    metered = True

    @property
    def clocks_hz(self) -> tuple[float, ...]:
        """(F,) the board's clock steps, Hz."""
        return self.board.clock_steps_hz

    def usable(self, widths: Sequence[int]) -> tuple[int, ...]:
        """Return all of ``widths``."""
        return tuple(widths)

    def tables(self, widths: Sequence[int]) -> tuple[Table, Table]:
        """Return (B, F) delays in s and energies in J."""
        clocks, flops = np.array(self.clocks_hz), [self.flop_at(bits) for bits in widths]
        of = self.board.processor
        return (
            np.stack([of.delay_s(flop, clocks) for flop in flops]),
            np.stack([of.energy_j(flop, clocks) for flop in flops]),
        )

    def at(self, bits: int, clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of one setting, at any clock."""
        of, flop = self.board.processor, self.flop_at(bits)
        return of.delay_s(flop, clock_hz), of.energy_j(flop, clock_hz)


@dataclass(frozen=True, eq=False)
class MeasuredHalf:
    """A half as a profile has it; nothing between two of its settings is guessed.

    The delay is the 95th percentile: planned by the median, half of the answers would be late.
    """

    profile: Profile

    @property
    def clocks_hz(self) -> tuple[float, ...]:
        """(F,) the clocks that were measured, Hz."""
        return self.profile.clocks_hz

    @property
    def metered(self) -> bool:
        """True where the energy of every setting was measured."""
        return self.profile.metered

    def usable(self, widths: Sequence[int]) -> tuple[int, ...]:
        """Return those of ``widths`` that were measured.

        :raises InvalidInput: when there is none.
        """
        found = tuple(bits for bits in widths if bits in self.profile.widths)
        if not found:
            raise InvalidInput(
                f"widths must hold one that was measured, {list(self.profile.widths)}, "
                f"got {list(widths)}"
            )
        return found

    def tables(self, widths: Sequence[int]) -> tuple[Table, Table]:
        """Return (B, F) delays in s and energies in J; NaN where there was no meter.

        Where the meter's noise made a run cheaper than idling, it is taken to cost nothing.
        """
        rows = [self.profile.widths.index(bits) for bits in widths]
        energy_j = self.profile.energy.mean_j[rows]
        return self.profile.latency.p95_s[rows], np.maximum(energy_j, 0.0)

    def at(self, bits: int, clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of one setting, NaN where it was not measured."""
        known = self.profile.own_pace or clock_hz in self.clocks_hz
        if bits not in self.profile.widths or not known:
            return math.nan, math.nan
        column = 0 if self.profile.own_pace else self.clocks_hz.index(clock_hz)
        delays_s, energies_j = self.tables([bits])
        return float(delays_s[0, column]), float(energies_j[0, column])
