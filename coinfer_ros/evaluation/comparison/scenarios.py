# SPDX-License-Identifier: Apache-2.0
"""The paper's two tasks, and the budgets that its Figs 5 to 8 sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.costs import (
    BLIP2,
    BLIP2_BUDGET,
    GIT,
    GIT_BUDGET,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    System,
)
from coinfer_ros.core.optimizer.canonical import Canonical, canonical
from coinfer_ros.core.optimizer.clocks import enough_delay, least_energy
from coinfer_ros.evaluation.instances import Range

WIDTHS = tuple(range(2, 17))  # 𝓑; the paper gives none
# The paper's axes are in its images alone. These begin where less than 2 bits fit and end where
# every quantizer here is nearly as good as none.
ENDS = tuple(range(2, 9))  # widths; what fits at no price is left out
BEFORE, BEHIND = 0.95, 1.03  # of what the narrowest and the widest of them need


@dataclass(frozen=True)
class Scenario:
    """One of the paper's tasks.

    :param name: short, for files.
    :param title: for people.
    :param model: name of the shipped model that stands in for the paper's.
    :param figures: the paper's figures for the uniform and the power-of-two quantizer.
    :param system: machines and work, the paper's.
    :param budget: what is held while the other budget is swept.
    """

    name: str
    title: str
    model: str
    figures: tuple[int, int]
    system: System
    budget: Budget


SCENARIOS = (
    Scenario(
        "blip2",
        "BLIP-2, captions of images",
        "blip2-scenes",
        (5, 6),
        System(PAPER_ROBOT, PAPER_EDGE, BLIP2),
        BLIP2_BUDGET,
    ),
    Scenario(
        "git",
        "GIT, captions of videos",
        "git-motion",
        (7, 8),
        System(PAPER_ROBOT, PAPER_EDGE, GIT),
        GIT_BUDGET,
    ),
)


@dataclass(frozen=True)
class Sweep:
    """One panel's budgets.

    :param scenario: whose.
    :param axis: ``delay`` or ``energy``, the budget that is swept.
    :param budgets: (N,) both budgets at each point, the swept one rising.
    """

    scenario: Scenario
    axis: str
    budgets: tuple[Budget, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The swept budget at each point, s or J."""
        return tuple(getattr(budget, f"{self.axis}_{self.unit}") for budget in self.budgets)

    @property
    def unit(self) -> str:
        """Unit of the swept budget, as names end with it."""
        return "s" if self.axis == "delay" else "j"


def sweeps(scenario: Scenario, points: int) -> tuple[Sweep, Sweep]:
    """Return both panels of a scenario's figure, the delay's first.

    :param points: budgets in each, the same factor apart.
    """
    return _delays(scenario, points), _energies(scenario, points)


def _delays(scenario: Scenario, points: int) -> Sweep:
    held_j = scenario.budget.energy_j
    found = [enough_delay(scenario.system, bits, held_j) for bits in ENDS]
    needed_s = [end[0] for end in found if end is not None]
    values = _spaced(needed_s, points)
    return Sweep(scenario, "delay", tuple(Budget(value, held_j) for value in values))


def _energies(scenario: Scenario, points: int) -> Sweep:
    held_s = scenario.budget.delay_s
    found = [least_energy(scenario.system, bits, held_s) for bits in ENDS]
    needed_j = [end.energy_j for end in found if end is not None]
    values = _spaced(needed_j, points)
    return Sweep(scenario, "energy", tuple(Budget(held_s, value) for value in values))


def _spaced(needed: list[float], points: int) -> list[float]:
    """Return budgets of three figures, so that one can type them."""
    spaced = np.geomspace(BEFORE * needed[0], BEHIND * needed[-1], points).tolist()
    return [float(f"{value:.3g}") for value in spaced]


def all_instances(points: int) -> list[Canonical]:
    """Return every sweep's problems without units."""
    found = [
        canonical(scenario.system, budget)
        for scenario in SCENARIOS
        for sweep in sweeps(scenario, points)
        for budget in sweep.budgets
    ]
    return [instance for instance in found if instance is not None]


def range_of(points: int) -> Range:
    """Return the range of instances that holds every sweep's: what a policy is to be trained on."""
    return Range.around(all_instances(points))
