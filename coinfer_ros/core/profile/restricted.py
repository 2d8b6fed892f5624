# SPDX-License-Identifier: Apache-2.0
"""The costs of a half on a machine that does not reach all of its clocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core.clock_limits import Band
from coinfer_ros.core.profile.costs import HalfCosts
from coinfer_ros.core.profile.fields import Table


@dataclass(frozen=True, eq=False)
class RestrictedHalf:
    """Some clocks of a half.

    :param half: the half at all of its clocks.
    :param columns: which of them, rising.
    """

    half: HalfCosts
    columns: tuple[int, ...]

    @property
    def clocks_hz(self) -> tuple[float, ...]:
        """(F,) those clocks, Hz."""
        return tuple(self.half.clocks_hz[column] for column in self.columns)

    @property
    def metered(self) -> bool:
        """True where the energy of every setting is known."""
        return self.half.metered

    def usable(self, widths: Sequence[int]) -> tuple[int, ...]:
        """Return those of ``widths`` that have costs."""
        return self.half.usable(widths)

    def tables(self, widths: Sequence[int]) -> tuple[Table, Table]:
        """Return (B, F) delays in s and energies in J."""
        delays_s, energies_j = self.half.tables(widths)
        return delays_s[:, self.columns], energies_j[:, self.columns]

    def at(self, bits: int, clock_hz: float) -> tuple[float, float]:
        """Return delay in s and energy in J of one setting, at any clock of the half."""
        return self.half.at(bits, clock_hz)


def restricted(half: HalfCosts, band: Band) -> HalfCosts:
    """Return the half at the clocks within ``band``, or at the nearest one where none is.

    A machine at its own pace has no clocks to leave out.
    """
    clocks_hz = half.clocks_hz
    if math.isnan(clocks_hz[0]):
        return half
    inside = tuple(k for k, hz in enumerate(clocks_hz) if band.low_hz <= hz <= band.high_hz)
    if len(inside) == len(clocks_hz):
        return half
    return RestrictedHalf(half, inside or (_nearest(clocks_hz, band),))


def _nearest(clocks_hz: tuple[float, ...], band: Band) -> int:
    def off_hz(column: int) -> float:
        hz = clocks_hz[column]
        return max(band.low_hz - hz, hz - band.high_hz)

    return min(range(len(clocks_hz)), key=off_hz)
