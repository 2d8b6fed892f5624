# SPDX-License-Identifier: Apache-2.0
"""Makes a plan of a relaxed width: the next allowed width below it, and its clocks anew.

The relaxed optimum lies on a budget, so the nearest width breaks it as often as not; the next below
keeps it, and its own clocks of least energy keep it with the most to spare. How exactly the relaxed
optimum is known does not matter while it is off by less than a width: the neighbours are tried.
"""

from __future__ import annotations

from bisect import bisect_right

from coinfer_ros.core.costs import System
from coinfer_ros.core.optimizer import Point, Problem, Solution
from coinfer_ros.core.optimizer.clocks import least_energy
from coinfer_ros.evaluation.methods.judged import judged, nothing


def floored(problem: Problem, system: System, relaxed_bits: float, *, name: str) -> Solution:
    """Return the plan of the widest width that fits among the allowed ones near a relaxed width.

    It is proved optimal when the next wider width was tried in vain or there is none.

    :param relaxed_bits: optimum of the relaxed problem, real, B_max left out.
    :param name: how it was found.
    """
    widths = problem.quality.widths
    above = bisect_right(widths, relaxed_bits)
    how = f"{name}: {relaxed_bits:.6g} bits would fit"
    near = (above + 1, above, above - 1, above - 2)
    tried = [index for index in near if 0 <= index < len(widths)]
    for index in tried:
        plan = _fits(problem, system, widths[index])
        if plan is not None:
            proved = index + 1 == len(widths) or index + 1 in tried
            bound = problem.loss(plan.bits) if proved else None
            return judged(problem, plan, f"{how}, and the next below", bound=bound, proved=proved)
    return nothing(f"{how}, less than any width allowed", proved=0 in tried)


def _fits(problem: Problem, system: System, bits: int) -> Point | None:
    plan = least_energy(system, bits, problem.budget.delay_s)
    kept = plan is not None and problem.budget.kept(plan.delay_s, plan.energy_j)
    return plan if kept else None
