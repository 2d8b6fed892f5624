# SPDX-License-Identifier: Apache-2.0
"""Makes a plan of a relaxed width: the next allowed width below it, and its clocks anew.

The relaxed optimum lies on a budget, so the nearest width breaks it as often as not; the next below
keeps it, and its own clocks of least energy keep it with the most to spare.
"""

from __future__ import annotations

from coinfer_ros.core.costs import System
from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.core.optimizer.clocks import least_energy
from coinfer_ros.evaluation.methods.judged import judged, nothing


def floored(
    problem: Problem, system: System, relaxed_bits: float, *, tolerance: float, name: str
) -> Solution:
    """Return the plan of the widest allowed width of at most ``relaxed_bits``.

    :param relaxed_bits: optimum of the relaxed problem, real, B_max left out.
    :param tolerance: relative, how exactly it is known; a width that close to it is tried too.
    :param name: how it was found.
    """
    below, above = relaxed_bits * (1.0 - tolerance), relaxed_bits * (1.0 + tolerance)
    candidates = [bits for bits in problem.quality.widths if bits <= above]
    # Only where a width lies within the tolerance is it open which one is the widest that fits.
    proved = not any(below < bits <= above for bits in problem.quality.widths)
    for bits in reversed(candidates[-2:]):
        plan = least_energy(system, bits, problem.budget.delay_s)
        if plan is not None and plan.energy_j <= problem.budget.energy_j:
            message = f"{name}: {relaxed_bits:.6g} bits would fit, and the next width below"
            bound = problem.loss(bits) if proved else None
            return judged(problem, plan, message, bound=bound, proved=proved)
    return nothing(
        f"{name}: {relaxed_bits:.6g} bits would fit, less than any width allowed", proved=proved
    )
