# SPDX-License-Identifier: Apache-2.0
"""The closed form of an allocation whose widths need not be whole: reverse water-filling.

Minimise Σ_l a_l·2^(-b_l), a_l = q_l·H_l·κ/λ_l, subject to Σ_l N_l·b_l ≤ budget and every b_l in
[low, high]. Each term is convex, so that the conditions of Karush, Kuhn and Tucker suffice: some
price μ has a_l·ln2·2^(-b_l) = μ·N_l for every layer within its limits, which is
b_l = log2(a_l·ln2/(μ·N_l)), clipped. What they cost falls with log2 μ in straight pieces; the price
is read off the right one. All is done in base-2 logarithms, so that no a_l over- or underflows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from coinfer_ros.core import arrays, checks, limits
from coinfer_ros.core.allocation.answer import check_whole
from coinfer_ros.core.allocation.laws import check_rates
from coinfer_ros.core.arrays import Reals
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer.solution import Status


@dataclass(frozen=True)
class WaterLevel:
    """Widths that need not be whole.

    :param status: whether any keep the budget.
    :param bits: (L,) width of each layer, None when infeasible, as are the next three.
    :param price: μ, what one more unit of budget takes off the distortion; 0 when none does, or
        when it underflows; inf when it overflows.
    :param distortion: Σ a_l·2^(-b_l), units of the output; inf when it overflows.
    :param cost: Σ N_l·b_l; roundings aside at most the budget.
    :param least_budget: the smallest budget that would do, None when there are widths.
    :raises InvalidInput: when widths are there with status infeasible, or absent with optimal.
    """

    status: Status
    bits: tuple[float, ...] | None
    price: float | None
    distortion: float | None
    cost: float | None
    least_budget: float | None

    def __post_init__(self) -> None:
        check_whole(self.status, self.bits, self.price, self.distortion, self.cost)


def water_filling(
    *,
    sizes: ArrayLike,
    steepness: ArrayLike,
    weight_rates: ArrayLike,
    cost_per_bit: ArrayLike,
    budget: float,
    low: float = 1.0,
    high: float = 16.0,
    kappa: float = 1.0,
) -> WaterLevel:
    """Return the best widths when they need not be whole; docs/theory.md proves them.

    With κ = 1 the law is D^L of arXiv 2602.13052, eq. (24), below every curve of ``law_table``: no
    whole widths then have less distortion by any of them.

    :param sizes: (L,) weights q_l, above 0.
    :param steepness: (L,) H_l at least 0, units of the output for each weight unit.
    :param weight_rates: (L,) λ_l in [1e-30, 1e30], 1/weight unit.
    :param cost_per_bit: (L,) N_l above 0: q_l for stored bits, s for a delay.
    :param budget: greatest Σ N_l·b_l.
    :param low: least width, bits, at least 0.
    :param high: greatest width, bits, above ``low``, at most 32.
    :param kappa: κ of the law D = κ/(λ·2^b), above 0.
    :raises InvalidInput: when an argument breaks its rule.
    """
    checks.number("budget", budget)
    checks.number("low", low, low=0.0, unit="bits")
    checks.number("high", high, high=limits.BITS_MAX, above=low, unit="bits")
    q = arrays.positive("sizes", sizes)
    n = _costs(cost_per_bit, q.size)
    least = low * float(n.sum())
    log_a = _log_a(q, steepness, weight_rates, kappa)
    if least > budget:
        return WaterLevel(Status.INFEASIBLE, None, None, None, None, least)
    unpriced = log_a + math.log2(math.log(2.0)) - np.log2(n)  # (L,) widths at μ = 1
    log_price = _log_price(unpriced, n, budget, low, high)
    priced, helped = np.full(q.size, float(low)), np.isfinite(log_a)
    priced[helped] = np.clip(unpriced[helped] - log_price, low, high)
    with np.errstate(over="ignore"):
        price, distortion = np.exp2(log_price), np.exp2(log_a - priced).sum()
    return WaterLevel(
        Status.OPTIMAL,
        tuple(priced.tolist()),
        price=float(price),
        distortion=float(distortion),
        cost=float((n * priced).sum()),
        least_budget=None,
    )


def _costs(cost_per_bit: ArrayLike, count: int) -> Reals:
    n = arrays.positive("cost_per_bit", cost_per_bit, count=count)
    with np.errstate(over="ignore"):
        if not np.isfinite(limits.BITS_MAX * n.sum()):
            raise InvalidInput(f"cost_per_bit must have a finite sum at 32 bits, got {n.max()}")
    return n


def _log_a(q: Reals, steepness: ArrayLike, weight_rates: ArrayLike, kappa: float) -> Reals:
    """Return log2 of a_l (L,), -inf where H_l is 0."""
    h = arrays.nonnegative("steepness", steepness, count=q.size)
    lambdas = check_rates(weight_rates, q.size)
    log_kappa = math.log2(checks.number("kappa", kappa, above=0.0))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(q) + np.log2(h) - np.log2(lambdas) + log_kappa)


def _log_price(unpriced: Reals, n: Reals, budget: float, low: float, high: float) -> float:
    """Return log2 μ, -inf when the budget pays for ``high`` wherever that helps."""
    helped = np.isfinite(unpriced)
    w, paid = unpriced[helped], n[helped]
    spare = budget - low * float(n.sum())  # what may be added to the least widths
    if spare >= (high - low) * float(paid.sum()):
        return -math.inf
    # As the price falls, a layer's width leaves ``low`` at one corner and stops at the other.
    corners, turns = np.concatenate((w - low, w - high)), np.concatenate((paid, -paid))
    order = np.argsort(-corners)
    falling = corners[order]
    slopes = np.cumsum(turns[order])[:-1]  # cost for each step that log2 μ falls
    costs = np.cumsum(np.append(0.0, slopes * -np.diff(falling)))
    # Roundings may let costs fall by a hair; the search still ends between two that enclose spare.
    return float(np.interp(spare, costs, falling))
