# SPDX-License-Identifier: Apache-2.0
"""The costs of a half as plain tables: what a bag says of a machine that is not here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile.fields import Table


@dataclass(frozen=True, eq=False)
class TabulatedHalf:
    """A half's costs, B widths by F clocks.

    :param widths: (B,) bit-widths.
    :param clocks_hz: (F,) clocks, Hz; one NaN: its own pace.
    :param delay_s: (B, F) s.
    :param energy_j: (B, F) J; NaN: not known.
    :raises InvalidInput: when the shapes do not fit.
    """

    widths: tuple[int, ...]
    clocks_hz: tuple[float, ...]
    delay_s: Table
    energy_j: Table

    def __post_init__(self) -> None:
        shape = (len(self.widths), len(self.clocks_hz))
        for name in ("delay_s", "energy_j"):
            if getattr(self, name).shape != shape:
                raise InvalidInput(
                    f"{name} must have shape {shape}, got {getattr(self, name).shape}"
                )

    @property
    def metered(self) -> bool:
        """True where the energy of every setting is known."""
        return not bool(np.isnan(self.energy_j).any())

    def usable(self, widths: Sequence[int]) -> tuple[int, ...]:
        """Return those of ``widths`` that there are costs of.

        :raises InvalidInput: when there is none.
        """
        found = tuple(bits for bits in widths if bits in self.widths)
        if not found:
            raise InvalidInput(f"widths must hold one of {list(self.widths)}, got {list(widths)}")
        return found

    def tables(self, widths: Sequence[int]) -> tuple[Table, Table]:
        """Return (B, F) delays in s and energies in J."""
        rows = [self.widths.index(bits) for bits in widths]
        return self.delay_s[rows], self.energy_j[rows]

    def at(self, bits: int, clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of one setting, NaN where there is none."""
        own_pace = math.isnan(self.clocks_hz[0])
        if bits not in self.widths or not (own_pace or clock_hz in self.clocks_hz):
            return math.nan, math.nan
        place = self.widths.index(bits), 0 if own_pace else self.clocks_hz.index(clock_hz)
        return float(self.delay_s[place]), float(self.energy_j[place])
