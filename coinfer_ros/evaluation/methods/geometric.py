# SPDX-License-Identifier: Apache-2.0
"""Problem (P2) as a geometric program, which it is: one convex solve, no start, no iterations.

Greatest b such that b·robot_delay/x + edge_delay/y <= 1, b·robot_energy·x² + edge_energy·y² <= 1
and x, y <= 1: posynomials all, convex in the logarithms of b, x and y.
"""

from __future__ import annotations

import functools
import warnings
from typing import Any

from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.core.optimizer.canonical import Canonical, canonical
from coinfer_ros.evaluation.extras import needed
from coinfer_ros.evaluation.methods.floored import floored
from coinfer_ros.evaluation.methods.judged import nothing, paper_system

BITS_MOST = 1e3  # keeps the program bounded; wider than any width


def solve(problem: Problem) -> Solution:
    """Return the widest allowed width below the program's optimum, with its own clocks.

    :raises Unsupported: when the problem is not the paper's.
    :raises Unavailable: when cvxpy is not here.
    """
    system = paper_system(problem, "geometric")
    instance = canonical(system, problem.budget)
    if instance is None:
        return nothing("the link alone uses up a budget", proved=True)
    bits = relaxed_bits(instance)
    if bits == "infeasible":
        bits = 0.0  # by the solver's accuracy: whether the narrowest width fits is tried
    if isinstance(bits, str):
        return nothing(f"geometric program: {bits}")
    return floored(problem, system, bits, name="geometric program")


def relaxed_bits(instance: Canonical) -> float | str:
    """Return the greatest real width, or the solver's word for why there is none.

    :raises Unavailable: when cvxpy is not here.
    """
    cvxpy = needed("cvxpy")
    program, width, parameters = _program()
    for name, parameter in parameters.items():
        parameter.value = getattr(instance, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # inexact answers are told by the status
            program.solve(gp=True, solver=cvxpy.CLARABEL)
    except cvxpy.error.SolverError as error:
        return f"solver failed, {error}"
    if program.status == cvxpy.OPTIMAL:
        return min(float(width.value), BITS_MOST)
    return str(program.status)


@functools.cache
def _program() -> tuple[Any, Any, dict[str, Any]]:
    """Compile the program once; instances differ in four numbers only."""
    cvxpy = needed("cvxpy")
    names = ("robot_delay", "edge_delay", "robot_energy", "edge_energy")
    p = {name: cvxpy.Parameter(pos=True, name=name) for name in names}
    b, x, y = (cvxpy.Variable(pos=True) for _ in range(3))
    constraints = [
        b * p["robot_delay"] / x + p["edge_delay"] / y <= 1,
        b * p["robot_energy"] * x**2 + p["edge_energy"] * y**2 <= 1,
        x <= 1,
        y <= 1,
        b <= BITS_MOST,
    ]
    return cvxpy.Problem(cvxpy.Maximize(b), constraints), b, p
