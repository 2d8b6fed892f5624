# SPDX-License-Identifier: Apache-2.0
"""Every way of choosing a plan behind one call, so that they can be compared.

``exact`` is this project's; ``sca`` is Algorithm 1 of arXiv 2602.13052, and the others are what it
is compared with there (Sec. VI) or what would do instead.
"""

from __future__ import annotations

import importlib

from coinfer_ros.core import checks
from coinfer_ros.core.optimizer import Problem, Solution

# Each is a module of this package with ``solve(problem) -> Solution``, imported when asked for:
# some need what only the extra `evaluation` brings.
METHODS = {
    "exact": "closed form and halving, or every table entry: optimal, proved",
    "relaxed": "closed form over real widths, then the next width below",
    "geometric": "geometric program over real widths, then the next width below",
    "sca": "Algorithm 1: successive convex approximation, then the nearest width",
    "exhaustive": "every setting of 64 x 64 clock steps, one after another",
    "ppo": "a policy trained by proximal policy optimisation",
    "fixed_frequency": "both clocks at their greatest, the widest width that fits",
    "random": "400 random widths, the first that fits at its clocks of least energy",
    "all_on_robot": "the whole model on the robot, quantized",
    "all_on_edge": "the whole model on the edge, not quantized",
}


def solve_by(method: str, problem: Problem) -> Solution:
    """Return what a method answers.

    :param method: a name of ``METHODS``.
    :raises InvalidInput: when there is no such method.
    :raises Unsupported: when the method is for another kind of problem.
    :raises Unavailable: when a library that it needs is not here.
    """
    name = checks.one_of("method", method, METHODS)
    solution: Solution = importlib.import_module(f"{__name__}.{name}").solve(problem)
    return solution
