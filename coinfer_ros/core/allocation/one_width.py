# SPDX-License-Identifier: Apache-2.0
"""One width for all layers, as the paper has it: what an allocation is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from coinfer_ros.core.allocation.answer import Allocation, feasible, infeasible
from coinfer_ros.core.allocation.exact import root_bound
from coinfer_ros.core.allocation.options import check_problem


def uniform_width(
    distortion: ArrayLike, cost: ArrayLike, budget: float, widths: Sequence[int]
) -> Allocation:
    """Return the widest one width for all layers that keeps the budget, arXiv 2602.13052, (P1).

    :param distortion: (L, B), 0 or in [1e-100, 1e100], any unit; inf where a setting cannot be had.
    :param cost: (L, B) likewise, any unit.
    :param budget: greatest total cost, in the unit of ``cost``.
    :param widths: (B,) bit-widths, rising, in [1, 32].
    :returns: its ``bound`` is that of widths that may differ.
    :raises InvalidInput: when an argument breaks its rule.

    >>> uniform_width([[8.0, 2.0], [5.0, 4.0]], [[2.0, 4.0], [2.0, 4.0]], 6.0, widths=(2, 4)).bits
    (2, 2)
    """
    problem = check_problem(distortion, cost, budget, widths)
    # cumsum, for sum() adds pairwise and allocate does not: the same widths must cost the same.
    costs = np.cumsum(problem.cost, axis=0)[-1]  # (B,)
    fits = np.flatnonzero(costs <= problem.budget)
    if not fits.size:
        least = float(costs.min())
        reason = "no width can be had for all layers"
        return infeasible(problem.budget, least if np.isfinite(least) else None, unavailable=reason)
    column = int(fits[-1])
    return feasible(
        problem.budget,
        (problem.widths[column],) * len(problem.cost),
        distortion=float(np.cumsum(problem.distortion, axis=0)[-1, column]),
        cost=float(costs[column]),
        bound=root_bound(problem, problem.options()),
    )
