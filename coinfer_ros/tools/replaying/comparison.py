# SPDX-License-Identifier: Apache-2.0
"""Compares two plans field by field, exactly."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from coinfer_ros.core.planning.record import PlanRecord

Value = str | int | float
# A processor of another kind rounds exp and log otherwise, by a unit in the last place or two.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """A field that two plans have different values of."""

    field: str
    one: Value
    other: Value

    @property
    def rounding(self) -> bool:
        """True where both are numbers that agree to twelve digits."""
        if not isinstance(self.one, float) or not isinstance(self.other, float):
            return False
        return math.isclose(self.one, self.other, rel_tol=ROUNDING)


def differences(one: PlanRecord, other: PlanRecord) -> tuple[Difference, ...]:
    """Return the fields with different values, in the order of the message; NaN equals NaN."""
    found = (
        Difference(field.name, getattr(one, field.name), getattr(other, field.name))
        for field in dataclasses.fields(PlanRecord)
    )
    return tuple(pair for pair in found if not _same(pair.one, pair.other))


def _same(one: Value, other: Value) -> bool:
    both_nan = one != one and other != other  # noqa: PLR0124 - a text has no isnan
    return one == other or both_nan
