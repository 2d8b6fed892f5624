# SPDX-License-Identifier: Apache-2.0
"""What an optimizer answers: a plan, or why there is none and what would help."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core import checks, limits
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput


class Status(enum.Enum):
    """Whether a plan keeps both budgets."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True)
class Point:
    """One setting and what it costs.

    :param bits: bit-width of the robot's weights.
    :param robot_clock_hz: Hz.
    :param edge_clock_hz: Hz.
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

    ``binding`` says what keeps the width from rising (from existing, when infeasible). Let the
    *wanted* widths be the allowed ones above ``bits`` (all of them, when infeasible):

    - ``max_bits``: none is wanted, the widest allowed fits.
    - ``energy``: some clocks give a wanted width within the deadline, all for too much energy. A
      greater energy budget alone would do; a greater delay budget alone may too, and ``message``
      then gives both.
    - ``delay``: no clocks give a wanted width within the deadline. A greater delay budget alone
      would do, no energy budget would.
    - ``delay+energy``: neither budget alone would do, not even if it were infinite.

    :param status: whether there is a plan.
    :param bits: widest bit-width that fits, None when infeasible, as are the next four.
    :param robot_clock_hz: Hz.
    :param edge_clock_hz: Hz.
    :param delay_s: what the plan takes, s, never above the budget.
    :param energy_j: what the plan takes, J, never above the budget.
    :param binding: ``max_bits``, ``delay``, ``energy`` or ``delay+energy``, see above.
    :param nearest_delay_s: least delay budget that would be feasible, energy held, s; None when
        optimal or when none would.
    :param nearest_energy_j: least energy budget that would be feasible, delay held, J; None when
        optimal or when none would.
    :param message: all this in one sentence.
    :raises InvalidInput: when a plan is there with status infeasible, or absent with optimal.
    """

    status: Status
    bits: int | None
    robot_clock_hz: float | None
    edge_clock_hz: float | None
    delay_s: float | None
    energy_j: float | None
    binding: str
    nearest_delay_s: float | None
    nearest_energy_j: float | None
    message: str

    @property
    def point(self) -> Point | None:
        """The plan as a setting with its costs, None when infeasible."""
        if (
            self.bits is None
            or self.robot_clock_hz is None
            or self.edge_clock_hz is None
            or self.delay_s is None
            or self.energy_j is None
        ):
            return None
        return Point(
            self.bits, self.robot_clock_hz, self.edge_clock_hz, self.delay_s, self.energy_j
        )

    def __post_init__(self) -> None:
        plan = (self.bits, self.robot_clock_hz, self.edge_clock_hz, self.delay_s, self.energy_j)
        present = {field is not None for field in plan}
        if present != {self.status is Status.OPTIMAL}:
            raise InvalidInput(f"a plan must be whole if {Status.OPTIMAL}, else absent, got {plan}")
        checks.one_of("binding", self.binding, ("max_bits", "delay", "energy", "delay+energy"))


@dataclass(frozen=True)
class Needs:
    """The least that the wanted widths need of each budget, the other budget held.

    :param delay: (s, bits), or None when no delay budget would do.
    :param energy: (J, bits), or None when no energy budget would do.
    """

    delay: tuple[float, int] | None
    energy: tuple[float, int] | None


def solution(point: Point | None, needs: Needs | None, budget: Budget) -> Solution:
    """Make the record of what was found.

    :param point: the plan, None when infeasible.
    :param needs: what the wanted widths need; None when none is wanted.
    :param budget: what was allowed.
    """
    binding = _binding(needs)
    if point is None:
        missing = needs or Needs(None, None)
        return Solution(
            status=Status.INFEASIBLE,
            bits=None,
            robot_clock_hz=None,
            edge_clock_hz=None,
            delay_s=None,
            energy_j=None,
            binding=binding,
            nearest_delay_s=missing.delay[0] if missing.delay else None,
            nearest_energy_j=missing.energy[0] if missing.energy else None,
            message=f"no setting keeps the budgets: {_reason(missing, budget)}",
        )
    return Solution(
        status=Status.OPTIMAL,
        bits=point.bits,
        robot_clock_hz=point.robot_clock_hz,
        edge_clock_hz=point.edge_clock_hz,
        delay_s=point.delay_s,
        energy_j=point.energy_j,
        binding=binding,
        nearest_delay_s=None,
        nearest_energy_j=None,
        message=_fits(point, budget) if needs is None else _reason(needs, budget),
    )


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Return ``widths`` when they are whole numbers in [1, 32] that rise.

    :raises InvalidInput: otherwise.
    """
    checked = tuple(checks.whole("widths", bits, low=1, high=limits.BITS_MAX) for bits in widths)
    if not checked or list(checked) != sorted(set(checked)):
        raise InvalidInput(f"widths must rise from one to the next, got {list(widths)!r}")
    return checked


def _binding(needs: Needs | None) -> str:
    if needs is None:
        return "max_bits"
    if needs.energy is not None:
        return "energy"
    return "delay+energy" if needs.delay is None else "delay"


def _fits(point: Point, budget: Budget) -> str:
    return (
        f"{_bits(point.bits)}, the widest allowed, fit: {point.delay_s:.4g} s of "
        f"{budget.delay_s:.4g} s and {point.energy_j:.4g} J of {budget.energy_j:.4g} J"
    )


def _reason(needs: Needs, budget: Budget) -> str:
    delay, energy = f"{budget.delay_s:.4g} s", f"{budget.energy_j:.4g} J"
    longer = ""
    if needs.delay is not None:
        longer = f"{_bits(needs.delay[1])} would need {needs.delay[0]:.4g} s"
    if needs.energy is not None:
        reason = (
            f"the energy budget of {energy} binds: within {delay}, "
            f"{_bits(needs.energy[1])} would need {needs.energy[0]:.4g} J"
        )
        return f"{reason} (or, within {energy}, {longer})" if longer else reason
    if longer:
        return (
            f"the delay budget of {delay} binds, at the highest clocks too: "
            f"within {energy}, {longer}"
        )
    return f"the delay budget of {delay} and the energy budget of {energy} are both too small"


def _bits(bits: int) -> str:
    return "1 bit" if bits == 1 else f"{bits} bits"
