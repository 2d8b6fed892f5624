# SPDX-License-Identifier: Apache-2.0
"""Reads plans, and what came of them, from their messages: live ones, or those of a bag."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from coinfer_ros.core.planning.record import PlanRecord

# Answer.msg's constants.
OK, LATE = 0, 2


@dataclass(frozen=True)
class Outcome:
    """What came of one request.

    :param request_id: rises by one.
    :param plan_id: the plan that it was made under, 0: none yet.
    :param status: one of Answer.msg's constants.
    :param total_s: from the image to the answer, s; NaN: not known.
    :param energy_j: both machines above idle, J; NaN: not known.
    """

    request_id: int
    plan_id: int
    status: int
    total_s: float
    energy_j: float

    def keeps(self, delay_s: float, energy_j: float) -> bool | None:
        """Tell whether it kept two budgets, None where that is not known.

        :param energy_j: infinity: no limit, which is kept whatever the energy.

        >>> Outcome(1, 1, OK, total_s=0.2, energy_j=math.nan).keeps(0.3, math.inf)
        True
        """
        if self.total_s > delay_s or self.energy_j > energy_j:
            return False
        unlimited = energy_j == math.inf
        known = not math.isnan(self.total_s) and (unlimited or not math.isnan(self.energy_j))
        return True if known else None


def read_plan(message: Any) -> PlanRecord:
    """Return the plan of a Plan message."""
    names = (field.name for field in dataclasses.fields(PlanRecord))
    return PlanRecord(**{name: getattr(message, name) for name in names})


def read_outcome(message: Any) -> Outcome:
    """Return what a Trace or an Answer message says of its request."""
    names = (field.name for field in dataclasses.fields(Outcome))
    return Outcome(**{name: getattr(message, name) for name in names})
