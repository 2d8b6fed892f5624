# SPDX-License-Identifier: Apache-2.0
"""What `coinfer solve` is asked: a problem, and what is not known of its costs."""

from __future__ import annotations

import argparse
import dataclasses
import math
from dataclasses import dataclass

from coinfer_ros.core import limits
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import Limits
from coinfer_ros.core.optimizer import Law, Objective, Point, Problem, Quality, Solution, Tables
from coinfer_ros.core.profile import Joint
from coinfer_ros.tools.solving.words import flag

OBJECTIVES = {
    "distortion": Objective.LOSS,
    "energy": Objective.ENERGY,
    "delay": Objective.DELAY,
}
BUDGETS = ("deadline_s", "energy_j")


@dataclass(frozen=True)
class Asked:
    """A problem, and what its answers are told with.

    :param problem: costs, budgets, losses and the objective.
    :param weight_rate: λ of the weights, 1/weight unit.
    :param joint: both halves where they are measured or of a board; None: free clocks.
    :param measured_loss: the losses are the embedding's errors as a profile has them.
    """

    problem: Problem
    weight_rate: float
    joint: Joint | None = None
    measured_loss: bool = False

    @property
    def tables(self) -> Tables:
        """The costs of every setting that is looked at.

        :raises InvalidInput: when clocks are free.
        """
        if not isinstance(self.problem.costs, Tables):
            raise InvalidInput("costs must be tables of every setting, got those of free clocks")
        return self.problem.costs

    @property
    def loss(self) -> str:
        """What the losses are: a distortion of the law, or measured."""
        return "embedding_error" if self.measured_loss else "distortion_upper"

    @property
    def unmetered(self) -> tuple[str, ...]:
        """The halves, ``robot`` or ``edge``, whose energy is not known."""
        return () if self.joint is None else self.joint.unmetered

    @property
    def some_energy(self) -> bool:
        """True where the energy of a half is known."""
        return len(self.unmetered) < 2

    def known(self, point: Point) -> Point:
        """Return a setting with NaN in place of what is not known of it."""
        return point if self.joint is None else self.joint.known(point)

    def told(self, found: Solution) -> Solution:
        """Return a solution without what is not known, and with the reason in its message."""
        message = found.message
        if self.unmetered:
            message = f"{message}; joules are without those of {halves(self.unmetered)}"
        plan = None if found.plan is None else self.known(found.plan)
        return dataclasses.replace(found, plan=plan, message=message)

    def embedding_error(self, bits: int | None) -> float | None:
        """Return the measured error of a width, None where none was measured."""
        return self.problem.loss(bits) if self.measured_loss and bits is not None else None


def halves(roles: tuple[str, ...]) -> str:
    """Return roles in words.

    >>> halves(("robot", "edge"))
    "the robot's half and the edge's half"
    """
    return " and ".join(f"the {role}'s half" for role in roles)


def needed(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the budgets that must be given: the frontier needs none."""
    return () if arguments.pareto else BUDGETS


def budget(arguments: argparse.Namespace, *, endless: bool) -> Budget:
    """Return the budgets; one that is not given is no limit.

    :param endless: they may be inf, no limit.
    :raises InvalidInput: when one breaks its rule.
    """
    return Budget(
        _limit(arguments, "deadline_s", limits.DELAY_S, endless=endless),
        _limit(arguments, "energy_j", limits.ENERGY_J, endless=endless),
    )


def of_law(arguments: argparse.Namespace, widths: tuple[int, ...], weight_rate: float) -> Quality:
    """Return the distortion of each width by the theory."""
    bounded = arguments.pareto or arguments.distortion_max < math.inf
    return Quality.of_law(widths, Law.UPPER if bounded else Law.GAP, weight_rate)  # both fall


def _limit(arguments: argparse.Namespace, name: str, allowed: Limits, *, endless: bool) -> float:
    value = getattr(arguments, name)
    if value is None or (endless and value == math.inf):
        return math.inf
    return allowed.check(flag(name), value)
