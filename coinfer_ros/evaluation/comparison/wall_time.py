# SPDX-License-Identifier: Apache-2.0
"""Table I on a real machine: which profile answers best within a time or joules measured there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.evaluation.intervals import Estimate

SHARES = (0.25, 0.5, 0.75)  # of all settings' costs: the columns' budgets
LATE = 95.0  # percentile of the answers' times that a budget must hold


@dataclass(frozen=True)
class Timed:
    """One setting, measured: whole answers, both halves and the coding between them.

    :param profile: what the machine was set to, such as "2 threads".
    :param bits: width of the robot's weights.
    :param kernel: what multiplied them.
    :param seconds: (N,) of each answer.
    :param answer_j: mean joules of an answer above idle; None: no meter.
    :param quality: CIDEr of its answers.
    """

    profile: str
    bits: int
    kernel: str
    seconds: tuple[float, ...]
    answer_j: float | None
    quality: Estimate

    @property
    def median_s(self) -> float:
        """Median time of an answer, s."""
        return float(np.median(self.seconds))

    @property
    def late_s(self) -> float:
        """95th percentile of the answers' times, s."""
        return float(np.percentile(self.seconds, LATE))

    def cost(self, axis: str) -> float | None:
        """Return what a budget of ``delay`` or ``energy`` must hold, s or J; None: unknown."""
        return self.late_s if axis == "delay" else self.answer_j


@dataclass(frozen=True)
class Best:
    """What one profile does within one budget.

    :param profile: it.
    :param axis: ``delay`` or ``energy``.
    :param budget: s or J.
    :param chosen: the setting of best measured quality that fits; None: none fits.
    """

    profile: str
    axis: str
    budget: float
    chosen: Timed | None


def table(timed: Sequence[Timed]) -> list[Best]:
    """Return each profile's best within each budget, column by column; no meter, no columns."""
    found = []
    for axis in ("delay", "energy"):
        known = [one for one in timed if one.cost(axis) is not None]
        costs = [cost for one in known if (cost := one.cost(axis)) is not None]
        for budget in np.quantile(costs, SHARES).tolist() if costs else ():
            for profile in dict.fromkeys(one.profile for one in timed):
                fitting = [
                    one
                    for one in known
                    if one.profile == profile and (one.cost(axis) or 0.0) <= budget
                ]
                chosen = max(fitting, key=lambda one: one.quality.value, default=None)
                found.append(Best(profile, axis, float(budget), chosen))
    return found
