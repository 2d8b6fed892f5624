# SPDX-License-Identifier: Apache-2.0
"""What an optimizer is asked: costs, budgets, how good each width is, and what to make least."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import bound_terms, checks, rate_distortion
from coinfer_ros.core.costs import Budget, Real, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer.solution import Point
from coinfer_ros.core.optimizer.tables import Tables
from coinfer_ros.core.widths import check_widths


class Objective(enum.Enum):
    """What is made least; what follows it breaks ties, in this order."""

    LOSS = "loss"  # then energy, then delay: the paper's (P1) where the loss is its gap
    ENERGY = "energy"  # then loss, then delay
    DELAY = "delay"  # then loss, then energy
    WEIGHTED = "weighted"  # then energy, then delay


class Law(enum.Enum):
    """A curve of the theory that says how much a width distorts; core/rate_distortion.py."""

    GAP = "gap"  # D^U - D^L, the objective of (P1), eq. (30)
    UPPER = "upper"
    LOWER = "lower"
    EXACT = "exact"
    SCALAR_OPTIMAL = "scalar_optimal"


@dataclass(frozen=True)
class Quality:
    """How bad the answers of each width are.

    :param widths: (B,) allowed bit-widths, rising, in [1, 32].
    :param losses: (B,) loss of each, finite or inf, of any scale; it need not fall with the width.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    widths: tuple[int, ...]
    losses: tuple[float, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", check_widths(self.widths))
        if len(self.losses) != len(self.widths):
            raise InvalidInput(
                f"losses must be one a width, {len(self.widths)}, got {len(self.losses)}"
            )
        for loss in self.losses:
            if loss != math.inf:
                checks.number("losses", loss)

    @classmethod
    def of_law(cls, widths: Sequence[int], law: Law = Law.GAP, weight_rate: float = 1.0) -> Quality:
        """Return the distortion that the theory gives a width, weight units.

        :param widths: bit-widths, rising; the rate of b bits is b - 1.
        :param law: which curve.
        :param weight_rate: λ in 1/weight unit.
        :raises InvalidInput: when an argument breaks its rule.

        >>> Quality.of_law([2, 3], Law.LOWER).losses
        (0.25, 0.125)
        """
        allowed = check_widths(widths)
        curve = _CURVES[law](np.array(allowed, float) - 1.0, weight_rate)
        return cls(allowed, tuple(curve.tolist()))

    @classmethod
    def of_scores(cls, scores: Mapping[int, float]) -> Quality:
        """Return the loss of measured scores, greater is better: minus the score.

        :param scores: bit-width to score (CIDEr, share of right answers).
        :raises InvalidInput: when a width or a score breaks its rule.
        """
        widths = tuple(sorted(scores))
        scored = [checks.number("scores", scores[bits]) for bits in widths]
        return cls(widths, tuple(-score for score in scored))


@dataclass(frozen=True)
class Weights:
    """What one unit of each is worth in a weighted objective.

    :param loss: a unit of loss, at least 0.
    :param energy: a J, at least 0.
    :param delay: a s, at least 0.
    :raises InvalidInput: naming the field, its rule and what came; when all are 0.
    """

    loss: float = 1.0
    energy: float = 0.0
    delay: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "energy", "delay"):
            checks.number(f"weights.{name}", getattr(self, name), low=0.0, high=1e30)
        if not self.loss + self.energy + self.delay:
            raise InvalidInput("weights must not all be 0, got loss, energy and delay of 0")

    def value(self, loss: float, energy_j: Real, delay_s: Real) -> Real:
        """Return the weighted sum; a weight of 0 leaves its term out, were it infinite."""
        worth = self.energy * energy_j + self.delay * delay_s
        return self.loss * loss + worth if self.loss else worth


@dataclass(frozen=True)
class Problem:
    """Find the width and both clocks that make the objective least, within the budgets.

    With an analytic system, loss D^U - D^L and the objective LOSS it is problem (P1) of
    arXiv 2602.13052, eq. (30).

    :param costs: an analytic system with free clocks, or tables of clock steps.
    :param budget: greatest delay and energy of one answer.
    :param quality: loss of each allowed width; with tables, of the tables' widths.
    :param objective: what to make least.
    :param loss_max: greatest loss that an answer may have, the third budget.
    :param weights: worth of each cost, for the objective WEIGHTED alone.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    costs: System | Tables
    budget: Budget
    quality: Quality
    objective: Objective = Objective.LOSS
    loss_max: float = math.inf
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        for name, kinds in (("costs", (System, Tables)), ("objective", (Objective,))):
            if not isinstance(getattr(self, name), kinds):
                wanted = " or ".join(kind.__name__ for kind in kinds)
                raise InvalidInput(f"{name} must be a {wanted}, got {getattr(self, name)!r:.60}")
        if self.loss_max != math.inf:
            checks.number("loss_max", self.loss_max)
        if isinstance(self.costs, Tables) and self.costs.widths != self.quality.widths:
            raise InvalidInput(
                f"quality.widths must be those of the tables, {self.costs.widths}, "
                f"got {self.quality.widths}"
            )

    @property
    def good_widths(self) -> tuple[tuple[int, float], ...]:
        """The widths whose loss is allowed, rising, each with its loss."""
        pairs = zip(self.quality.widths, self.quality.losses, strict=True)
        return tuple((bits, loss) for bits, loss in pairs if loss <= self.loss_max)

    def loss(self, bits: int) -> float:
        """Return the loss of an allowed width."""
        return self.quality.losses[self.quality.widths.index(bits)]

    def value(self, plan: Point) -> float:
        """Return the objective of a setting."""
        return self.key(plan)[0]

    def key(self, plan: Point) -> tuple[float, ...]:
        """Return the objective of a setting and what breaks its ties, least first."""
        loss, energy_j, delay_s = self.loss(plan.bits), plan.energy_j, plan.delay_s
        return {
            Objective.LOSS: (loss, energy_j, delay_s),
            Objective.ENERGY: (energy_j, loss, delay_s),
            Objective.DELAY: (delay_s, loss, energy_j),
            Objective.WEIGHTED: (self.weights.value(loss, energy_j, delay_s), energy_j, delay_s),
        }[self.objective]


def paper_problem(
    costs: System | Tables, budget: Budget, widths: Sequence[int] | None = None
) -> Problem:
    """Return problem (P1): least D^U - D^L within the budgets, arXiv 2602.13052, eq. (30).

    :param costs: an analytic system, or tables.
    :param budget: greatest delay and energy of one answer.
    :param widths: allowed bit-widths, rising; the tables' own when None.
    :raises InvalidInput: when there are no widths, or others than the tables have.
    """
    if widths is None:
        widths = costs.widths if isinstance(costs, Tables) else ()
    return Problem(costs, budget, Quality.of_law(widths))


Curve = Callable[[NDArray[np.float64], float], NDArray[np.float64]]

_CURVES: dict[Law, Curve] = {
    Law.GAP: bound_terms.gap,
    Law.UPPER: rate_distortion.upper,
    Law.LOWER: rate_distortion.lower,
    Law.EXACT: rate_distortion.exact,
    Law.SCALAR_OPTIMAL: rate_distortion.scalar_optimal,
}
