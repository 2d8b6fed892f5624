# SPDX-License-Identifier: Apache-2.0
"""Solves the relaxed problem (P2), real bit-widths, in closed form; docs/theory.md, 5.

In the numbers of ``canonical``, let W = b·robot_delay, α³ = robot_energy/robot_delay,
V = edge_delay and β³ = edge_energy/edge_delay. Where no clock is at its greatest both budgets are
used up at x = 1/α and y = 1/β, with αW + βV = 1. Else the machine of the lesser root is at its
greatest clock, and the other has what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from coinfer_ros.core import bound_terms, checks, limits
from coinfer_ros.core.optimizer.canonical import Canonical


@dataclass(frozen=True)
class Relaxed:
    """An optimum of (P2).

    :param bits: relaxed bit-width b̃, real, in (1, B_max].
    :param x: robot clock over its greatest.
    :param y: edge clock over its greatest.
    """

    bits: float
    x: float
    y: float

    @property
    def gap(self) -> float:
        """λ(D^U - D^L) at the relaxed width: no whole width that fits has less."""
        return gap(self.bits)


def gap(bits: float) -> float:
    """Return the objective of (P1) and (P2), λ(D^U - D^L) at R = b - 1; inf at 1 bit."""
    return bound_terms.gap(bits - 1.0)


def solve_relaxed(instance: Canonical, bits_max: float) -> Relaxed | None:
    """Return the greatest real width within both budgets and clocks that keep them, (P2).

    :param instance: four numbers that say all of the problem.
    :param bits_max: B_max of (31c), in (1, 32].
    :returns: None when nothing above 1 bit fits.
    :raises InvalidInput: when ``bits_max`` breaks its rule.

    >>> from coinfer_ros.core.costs import GIT, GIT_BUDGET, PAPER_EDGE, PAPER_ROBOT, System
    >>> from coinfer_ros.core.optimizer.canonical import canonical
    >>> instance = canonical(System(PAPER_ROBOT, PAPER_EDGE, GIT), GIT_BUDGET)
    >>> round(solve_relaxed(instance, 16).bits, 4)
    6.8746
    """
    checks.number("bits_max", bits_max, above=1.0, high=limits.BITS_MAX)
    bits = min(greatest_width(instance), bits_max)
    return Relaxed(bits, *_clocks(instance, bits * instance.robot_delay)) if bits > 1.0 else None


def greatest_width(instance: Canonical) -> float:
    """Return the greatest b > 0 within both budgets, were any real width allowed; 0 for none."""
    return max(_most_work(instance), 0.0) / instance.robot_delay


def _most_work(instance: Canonical) -> float:
    """Return the most W within both budgets; 0 or less when none."""
    alpha, beta = _roots(instance)
    edge = instance.edge_delay
    if alpha >= 1.0 and beta >= 1.0:
        return (1.0 - beta * edge) / alpha
    if edge >= 1.0:
        return 0.0
    if alpha <= beta:
        return _with_robot_at_greatest(alpha, beta, edge)
    affordable: float = (max(1.0 - instance.edge_energy, 0.0) * (1.0 - edge) ** 2) ** (
        1 / 3
    ) / alpha
    return min(affordable, 1.0 - edge)


def _with_robot_at_greatest(alpha: float, beta: float, edge: float) -> float:
    """Return W where the robot's clock is at its greatest: all of the energy budget is used."""

    def spare(work: float) -> float:
        edge_s = max(1.0 - work, edge)  # not less, were it so by rounding
        return float(1.0 - alpha**3 * work - (beta * edge) ** 3 / edge_s**2)

    in_time = 1.0 - edge
    if spare(in_time) >= 0.0:
        return in_time
    if spare(0.0) <= 0.0:
        return 0.0
    return float(optimize.brentq(spare, 0.0, in_time, xtol=1e-300, rtol=4 * np.finfo(float).eps))


def _clocks(instance: Canonical, work: float) -> tuple[float, float]:
    """Return the clocks of least energy that use all of the delay."""
    alpha, beta = _roots(instance)
    total = alpha * work + beta * instance.edge_delay
    if total > max(alpha, beta):  # both over their greatest: the delay has only just enough
        return 1.0, 1.0
    if total > alpha:
        return 1.0, min(instance.edge_delay / (1.0 - work), 1.0)
    if total > beta:
        return min(work / (1.0 - instance.edge_delay), 1.0), 1.0
    return total / alpha, total / beta


def _roots(instance: Canonical) -> tuple[float, float]:
    """Return α and β."""
    return (
        (instance.robot_energy / instance.robot_delay) ** (1 / 3),
        (instance.edge_energy / instance.edge_delay) ** (1 / 3),
    )
