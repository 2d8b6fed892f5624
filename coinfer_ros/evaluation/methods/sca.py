# SPDX-License-Identifier: Apache-2.0
"""Algorithm 1 of arXiv 2602.13052: successive convex approximation of (P2), eq. (31) to (36).

As the paper states it, in the units of ``core.optimizer.canonical``: the surrogate (34) under the
linearised (35), solved again and again from a feasible local point, until the objective falls by
less than δ; then the nearest width. Three things it leaves open are chosen here: δ in units of 1/λ,
the first local point, and whether "nearest" means the nearest or the nearest feasible width (its
text says the one, its box the other). What the box does breaks a budget as often as not, and its
plan then says so.
"""

from __future__ import annotations

import functools
import math
import warnings
from dataclasses import dataclass
from typing import Any

from coinfer_ros.core.costs import System
from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.core.optimizer.canonical import Canonical, canonical
from coinfer_ros.core.optimizer.relaxed import gap, greatest_width
from coinfer_ros.core.optimizer.settings import point
from coinfer_ros.evaluation.extras import needed
from coinfer_ros.evaluation.methods.judged import judged, nothing, paper_system

DELTA = 1e-4  # least fall of λ(D^U - D^L) that goes on
FIRST_BITS = 1.05
ITERATIONS = 64
# (31c) is open at 1, where the objective is infinite.
NARROWEST = 1.0 + 1e-6


@dataclass(frozen=True)
class Run:
    """What the iterations did.

    :param bits: relaxed width of each iteration, the start first.
    :param gaps: λ(D^U - D^L) of each.
    :param x: last robot clock over its greatest.
    :param y: last edge clock over its greatest.
    :param ended: ``converged``, ``iterations`` or the solver's word.
    """

    bits: tuple[float, ...]
    gaps: tuple[float, ...]
    x: float
    y: float
    ended: str


def solve(problem: Problem) -> Solution:
    """Return the nearest width to the last relaxed one, with the clocks of that, as the box says.

    :raises Unsupported: when the problem is not the paper's.
    :raises Unavailable: when cvxpy is not here.
    """
    return solve_rounded(problem)


def solve_rounded(
    problem: Problem, *, delta: float = DELTA, only_feasible: bool = False
) -> Solution:
    """Return Algorithm 1's answer.

    :param delta: δ, least fall of λ(D^U - D^L) that goes on.
    :param only_feasible: round to the nearest width that keeps the budgets at the last clocks.
    :raises Unsupported: when the problem is not the paper's.
    :raises Unavailable: when cvxpy is not here.
    """
    system = paper_system(problem, "sca")
    instance = canonical(system, problem.budget)
    found = None if instance is None else run(instance, problem.quality.widths[-1], delta=delta)
    if found is None:
        return nothing("Algorithm 1 has no feasible point above 1 bit to start from")
    if found.ended not in {"converged", "iterations"}:
        return nothing(f"Algorithm 1 after {len(found.bits) - 1} iterations: {found.ended}")
    clocks = found.x * system.robot.clock_max_hz, found.y * system.edge.clock_max_hz
    bits = _nearest(problem, system, found.bits[-1], clocks, only_feasible=only_feasible)
    if bits is None:
        return nothing(f"Algorithm 1: no width near {found.bits[-1]:.4g} keeps the budgets")
    how = f"Algorithm 1: {found.bits[-1]:.4g} bits after {len(found.bits) - 1} iterations, rounded"
    return judged(problem, point(system, bits, *clocks), how)


def run(instance: Canonical, bits_max: float, *, delta: float = DELTA) -> Run | None:
    """Run the iterations of Algorithm 1.

    :param bits_max: B_max of (31c).
    :param delta: least fall of λ(D^U - D^L) that goes on.
    :returns: None when there is no feasible point above 1 bit to start from.
    :raises Unavailable: when cvxpy is not here.
    """
    widest = min(greatest_width(instance), float(bits_max))
    if widest <= NARROWEST:
        return None
    first = min(FIRST_BITS, (1.0 + widest) / 2.0)
    bits, gaps, inverse = [first], [gap(first)], 1.0 / first
    x = y = 1.0
    for _ in range(ITERATIONS):
        step = _convex_step(instance, float(bits_max), bits[-1], inverse)
        if isinstance(step, str):
            return Run(tuple(bits), tuple(gaps), x, y, step)
        width, inverse, x, y = step
        bits.append(width)
        gaps.append(gap(width))
        if gaps[-2] - gaps[-1] < delta:
            return Run(tuple(bits), tuple(gaps), x, y, "converged")
    return Run(tuple(bits), tuple(gaps), x, y, "iterations")


def _nearest(
    problem: Problem,
    system: System,
    relaxed: float,
    clocks: tuple[float, float],
    *,
    only_feasible: bool,
) -> int | None:
    def fits(bits: int) -> bool:
        at = point(system, bits, *clocks)
        return problem.budget.kept(at.delay_s, at.energy_j)

    allowed = [bits for bits in problem.quality.widths if not only_feasible or fits(bits)]
    return min(allowed, key=lambda bits: (abs(bits - relaxed), bits), default=None)


def _convex_step(
    instance: Canonical, bits_max: float, bits: float, inverse: float
) -> tuple[float, float, float, float] | str:
    """Solve (P4.k) at a local point: b̃, b̃', x, y, or the solver's word for why not."""
    cvxpy = needed("cvxpy")
    program, variables, parameters = _program()
    values = {
        **{name: getattr(instance, name) for name in _SHARES},
        "bits_max": bits_max,
        "slope": math.log(2.0) * 2.0**-bits,  # of (33), λ = 1
        "offset": 2.0 / inverse,
        "fall": 1.0 / inverse**2,
    }
    for name, value in values.items():
        parameters[name].value = value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # inexact answers are told by the status
            # Warm, the last digits would hang on what was solved before; cold, the scaling of 10
            # rounds that is the default fails where budgets are a thousand times what is needed.
            program.solve(solver=cvxpy.CLARABEL, warm_start=False, equilibrate_max_iter=50)
    except cvxpy.error.SolverError as error:
        return f"solver failed, {error}"
    if program.status != cvxpy.OPTIMAL:
        return str(program.status)
    width, inverse, x, y = (float(variable.value) for variable in variables)
    return min(width, bits_max), inverse, min(x, 1.0), min(y, 1.0)


_SHARES = ("robot_delay", "edge_delay", "robot_energy", "edge_energy")


@functools.cache
def _program() -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Compile (P4.k) once; instances and local points differ in parameters only.

    The root in D^U is no disciplined convex expression. D = λD^U is the least D with
    D(1 + D)(2^R - 1) >= 1, and each factor's logarithm is concave.
    """
    cvxpy = needed("cvxpy")
    names = (*_SHARES, "bits_max", "slope", "offset", "fall")
    p = {name: cvxpy.Parameter(nonneg=True, name=name) for name in names}
    upper, width, inverse, x, y = (cvxpy.Variable(pos=True) for _ in range(5))
    nats = math.log(2.0) * (width - 1.0)  # R ln 2
    constraints = [
        cvxpy.log(upper) + cvxpy.log(1 + upper) + nats + cvxpy.log(1 - cvxpy.exp(-nats)) >= 0,
        p["robot_delay"] * cvxpy.inv_prod(cvxpy.hstack([inverse, x]))
        + p["edge_delay"] * cvxpy.inv_pos(y)
        <= 1,  # (32a)
        p["robot_energy"] * cvxpy.quad_over_lin(x, inverse) + p["edge_energy"] * cvxpy.square(y)
        <= 1,  # (32b)
        width <= p["offset"] - p["fall"] * inverse,  # (36a)
        width >= NARROWEST,
        width <= p["bits_max"],
        x <= 1,
        y <= 1,
    ]
    objective = cvxpy.Minimize(upper + p["slope"] * width)  # (34) less its constants
    return cvxpy.Problem(objective, constraints), (width, inverse, x, y), p
