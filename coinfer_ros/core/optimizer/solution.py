# SPDX-License-Identifier: Apache-2.0
"""What an optimizer answers: a plan, or why there is none and what would help."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

BINDINGS = ("none", "delay", "energy", "delay+energy", "max_bits", "quality", "unknown")


class Status(enum.Enum):
    """What is known of a plan."""

    OPTIMAL = "optimal"  # keeps every budget, and nothing does better
    FEASIBLE = "feasible"  # keeps every budget; something may do better
    OVER_BUDGET = "over_budget"  # what the method answers, though it breaks a budget
    INFEASIBLE = "infeasible"  # nothing keeps every budget
    FAILED = "failed"  # the method found nothing, which proves nothing


WITH_PLAN = (Status.OPTIMAL, Status.FEASIBLE, Status.OVER_BUDGET)


@dataclass(frozen=True)
class Point:
    """One setting and what it costs.

    :param bits: bit-width of the robot's weights.
    :param robot_clock_hz: Hz; 0 where the robot computes nothing.
    :param edge_clock_hz: Hz; 0 where the edge computes nothing.
    :param delay_s: delay of one answer, s.
    :param energy_j: energy of one answer, J.
    """

    bits: int
    robot_clock_hz: float
    edge_clock_hz: float
    delay_s: float
    energy_j: float


@dataclass(frozen=True)
class Solution:
    """An optimizer's answer.

    ``binding`` says what keeps the objective from falling (a plan from existing, when infeasible).
    For the objective LOSS let the *wanted* widths be the allowed ones that are better than the
    plan's (all of them, when infeasible):

    - ``max_bits``: none is wanted, the best width allowed fits.
    - ``energy``: some clocks give a wanted width within the deadline, all for too much energy. A
      greater energy budget alone would do; a greater delay budget alone may too, and ``message``
      then gives both.
    - ``delay``: no clocks give a wanted width within the deadline. A greater delay budget alone
      would do, no energy budget would.
    - ``delay+energy``: neither budget alone would do, not even if it were infinite.
    - ``quality``: no width is good enough, whatever the budgets.

    For the other objectives it names each budget that, relaxed alone, would let the objective fall,
    else ``quality`` where the loss allowed would, else ``none``. ``unknown`` is for methods that
    prove nothing.

    :param status: what is known of the plan.
    :param plan: the setting; None when infeasible or failed.
    :param objective: what the plan makes of the objective, in its unit; None without plan.
    :param bound: no setting within the budgets has a lesser objective; None where none is proved.
    :param binding: see above.
    :param nearest_delay_s: least delay budget that would be feasible, the others held, s; None when
        there is a plan or when none would.
    :param nearest_energy_j: least energy budget that would be feasible, the others held, J; None
        when there is a plan or when none would.
    :param message: all this in one sentence.
    :raises InvalidInput: when plan and status contradict each other.
    """

    status: Status
    plan: Point | None
    objective: float | None
    bound: float | None
    binding: str
    nearest_delay_s: float | None
    nearest_energy_j: float | None
    message: str

    def __post_init__(self) -> None:
        there = self.status in WITH_PLAN
        if (self.plan is not None) != there or (self.objective is not None) != there:
            raise InvalidInput(
                f"plan and objective must {'be there' if there else 'be None'} when "
                f"{self.status.value}, got {self.plan} and {self.objective}"
            )
        checks.one_of("binding", self.binding, BINDINGS)

    @property
    def bits(self) -> int | None:
        """The plan's bit-width, None without plan."""
        return None if self.plan is None else self.plan.bits
