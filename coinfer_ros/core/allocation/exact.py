# SPDX-License-Identifier: Apache-2.0
"""Finds the widths of least distortion within a budget exactly, whatever the tables look like.

This is a multiple-choice knapsack. Layer by layer it keeps the (cost, distortion) sums that no
other sum beats, less those that even the linear-programming bound of the layers to come cannot
bring below a choice already known. Rounded addition never turns the order of two sums around, so
that the first rule is exact for float64 sums in the layers' order; the second leaves room for
roundings.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from coinfer_ros.core.allocation.answer import Allocation, feasible, infeasible
from coinfer_ros.core.allocation.options import Options, Problem, check_problem, front
from coinfer_ros.core.allocation.relaxation import EPSILON, Relaxation, relaxations
from coinfer_ros.core.arrays import Reals
from coinfer_ros.core.errors import Unsupported

SUMS_MAX = 500_000  # kept for one layer: with 16 widths half a gigabyte on the way


@dataclass(frozen=True)
class _Limits:
    """What a sum is measured against.

    :param budget: greatest cost.
    :param room: more than the relative roundings of any two sums.
    :param best: some choice within the budget has no more distortion than this, roundings aside.
    """

    budget: float
    room: float
    best: float = np.inf


@dataclass(frozen=True, eq=False)
class _Sums:
    """What the first layers can add up to, N sums; where each came from.

    :param cost: (N,) rising.
    :param distortion: (N,) falling.
    :param parent: (N,) place among the sums of one layer less.
    :param column: (N,) column that the last of these layers takes.
    """

    cost: Reals
    distortion: Reals
    parent: NDArray[np.int32]
    column: NDArray[np.int8]


def allocate(
    distortion: ArrayLike, cost: ArrayLike, budget: float, widths: Sequence[int]
) -> Allocation:
    """Return the widths of least total distortion whose total cost keeps the budget.

    Minimise Σ_l distortion[l, k_l] subject to Σ_l cost[l, k_l] ≤ budget over whole k_l, where
    arXiv 2602.13052 has one k for all layers (docs/theory.md). Among equals the least cost wins,
    then the one found first, which is always the same. The sums are float64 in the order of the
    layers, and the answer is exact for these: no rounding breaks the budget.

    :param distortion: (L, B), 0 or in [1e-100, 1e100], any unit; inf where a setting cannot be had.
    :param cost: (L, B) likewise, any unit. Neither needs to fall, rise or be convex.
    :param budget: greatest total cost, in the unit of ``cost``.
    :param widths: (B,) bit-widths, rising, in [1, 32].
    :raises InvalidInput: when an argument breaks its rule.
    :raises Unsupported: when more than half a million sums stay in the running; with costs of fewer
        distinct values (whole bits, microseconds) they become fewer.

    >>> allocate([[8.0, 2.0], [5.0, 4.0]], [[2.0, 4.0], [2.0, 4.0]], 6.0, widths=(2, 4)).bits
    (4, 2)
    """
    problem = check_problem(distortion, cost, budget, widths)
    layers = problem.options()
    empty = [place for place, layer in enumerate(layers) if not layer.columns.size]
    if empty:
        return infeasible(problem.budget, None, unavailable=f"layer {empty[0]} has no width at all")
    least = float(np.cumsum([layer.cost[0] for layer in layers])[-1])
    if least > problem.budget:
        return infeasible(problem.budget, least, unavailable="")
    return _search(problem, layers)


def root_bound(problem: Problem, layers: Sequence[Options]) -> float:
    """Return less distortion than any widths within the budget have, by linear programming.

    :param problem: the tables.
    :param layers: its options, one or more for each layer.
    :returns: in the unit of the distortion; inf where nothing keeps the budget.
    """
    room = _room(problem)
    whole = next(relaxations(layers))
    lower = whole.lower(np.array([problem.budget]), room * abs(problem.budget))
    return float(lower[0]) * (1.0 - room)


def _search(problem: Problem, layers: Sequence[Options]) -> Allocation:
    """Return the best widths of a problem that has some."""
    limits = _Limits(problem.budget, _room(problem))
    start = _Sums(np.zeros(1), np.zeros(1), np.zeros(1, np.int32), np.zeros(1, np.int8))
    stages = [start]
    rest = itertools.islice(relaxations(layers), 1, None)  # what comes after each layer
    for layer, after in zip(layers, rest, strict=True):
        sums, limits = _extend(stages[-1], layer, after, limits)
        stages.append(sums)
    place = int(np.flatnonzero(stages[-1].cost <= problem.budget)[-1])
    return feasible(
        problem.budget,
        tuple(problem.widths[column] for column in _trace(stages, place)),
        distortion=float(stages[-1].distortion[place]),
        cost=float(stages[-1].cost[place]),
        bound=root_bound(problem, layers),
    )


def _extend(
    sums: _Sums, layer: Options, after: Relaxation, limits: _Limits
) -> tuple[_Sums, _Limits]:
    """Add one layer to all sums; return those worth keeping, and the limits that come of them."""
    cost = (sums.cost[:, None] + layer.cost).ravel()  # (N·K,)
    distortion = (sums.distortion[:, None] + layer.distortion).ravel()
    spare, slack = limits.budget - cost, limits.room * limits.budget
    best = min(limits.best, float((distortion + after.upper(spare, slack)).min()))
    promise = distortion + after.lower(spare, slack)
    kept = np.flatnonzero((promise * (1.0 - limits.room) <= best) & (promise < np.inf))
    kept = kept[front(cost[kept], distortion[kept])]
    if len(kept) > SUMS_MAX:
        raise Unsupported(f"allocation must keep at most {SUMS_MAX} sums a layer, got {len(kept)}")
    parent, option = np.divmod(kept, len(layer.columns))
    column = layer.columns[option].astype(np.int8)
    extended = _Sums(cost[kept], distortion[kept], parent.astype(np.int32), column)
    return extended, replace(limits, best=best)


def _trace(stages: Sequence[_Sums], place: int) -> list[int]:
    """Return the columns (L,) that led to a sum of the last layer."""
    columns = []
    for sums in reversed(stages[1:]):
        columns.append(int(sums.column[place]))
        place = int(sums.parent[place])
    return columns[::-1]


def _room(problem: Problem) -> float:
    # A sum of edges has one rounding an option, sums of layers one a layer, and there are three;
    # what is compared, a promise and the best, are two such.
    return 2.0 * (problem.cost.size + 4 * len(problem.cost) + 64) * EPSILON
