# SPDX-License-Identifier: Apache-2.0
"""Puts what an exact solver found into a Solution: what binds, and the sentence that says it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from typing import Any

from coinfer_ros.core import widths
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer.problem import Objective, Problem
from coinfer_ros.core.optimizer.solution import Point, Solution, Status
from coinfer_ros.core.optimizer.tables import Tables


@dataclass(frozen=True)
class Needs:
    """The least that the wanted widths need of each budget, the other budget held.

    :param delay: (s, bits), or None when no delay budget would do.
    :param energy: (J, bits), or None when no energy budget would do.
    """

    delay: tuple[float, int] | None
    energy: tuple[float, int] | None

    @property
    def binding(self) -> str:
        """The budget that keeps the wanted widths out, as ``Solution.binding`` defines it."""
        if self.energy is not None:
            return "energy"
        return "delay+energy" if self.delay is None else "delay"


def infeasible(problem: Problem, needs: Needs) -> Solution:
    """Return that nothing keeps the budgets.

    :param needs: what the widths that are good enough need.
    """
    return _without_plan(
        binding=needs.binding,
        message=f"no setting keeps the budgets: {_reason(needs, problem.budget)}",
        needs=needs,
    )


def not_good_enough(problem: Problem) -> Solution:
    """Return that no width has a loss as small as is asked."""
    least = min(problem.quality.losses)
    return _without_plan(
        binding="quality",
        message=(
            f"no width is good enough: loss_max is {problem.loss_max:.4g}, the least loss of an "
            f"allowed width {least:.4g}"
        ),
        needs=Needs(None, None),
    )


def least_loss(problem: Problem, plan: Point, needs: Needs | None) -> Solution:
    """Return the plan of the best width that fits.

    :param needs: what the better widths need; None when there is none.
    """
    return _optimal(
        problem,
        plan,
        binding="max_bits" if needs is None else needs.binding,
        message=_fits(problem, plan) if needs is None else _reason(needs, problem.budget),
    )


def least_cost(
    problem: Problem, plan: Point, *, delay: bool, energy: bool, quality: bool
) -> Solution:
    """Return the plan of least energy, delay or weighted sum.

    :param delay: a greater delay budget alone would let the objective fall.
    :param energy: a greater energy budget alone would.
    :param quality: a greater loss allowed alone would.
    """
    binding = "+".join(name for name, binds in (("delay", delay), ("energy", energy)) if binds)
    binding = binding or ("quality" if quality else "none")
    return _optimal(problem, plan, binding=binding, message=_costs(problem, plan, binding))


def least_cost_by_trial(
    problem: Problem,
    plan: Point,
    best: Callable[[Problem], Point | None],
    *,
    no_deadline_s: float = math.inf,
) -> Solution:
    """Return the plan of least energy, delay or weighted sum; what binds is found by trying.

    :param best: the best setting of a problem, None where it has none.
    :param no_deadline_s: a delay budget that is as good as none, s.
    """

    def would_help(**changes: Any) -> bool:
        freed = best(dataclasses.replace(problem, **changes))
        return freed is not None and problem.value(freed) < problem.value(plan)

    return least_cost(
        problem,
        plan,
        delay=would_help(budget=Budget(no_deadline_s, problem.budget.energy_j)),
        energy=would_help(budget=Budget(problem.budget.delay_s)),
        quality=would_help(loss_max=math.inf),
    )


def _optimal(problem: Problem, plan: Point, *, binding: str, message: str) -> Solution:
    value = problem.value(plan)
    clocks = plan.robot_clock_hz, plan.edge_clock_hz
    if isinstance(problem.costs, Tables) and problem.costs.guesses(*clocks):
        message = f"{message}; its costs are interpolated between measured clocks"
    return Solution(
        status=Status.OPTIMAL,
        plan=plan,
        objective=value,
        bound=value,
        binding=binding,
        nearest_delay_s=None,
        nearest_energy_j=None,
        message=message,
    )


def _without_plan(*, binding: str, message: str, needs: Needs) -> Solution:
    return Solution(
        status=Status.INFEASIBLE,
        plan=None,
        objective=None,
        bound=None,
        binding=binding,
        nearest_delay_s=needs.delay[0] if needs.delay else None,
        nearest_energy_j=needs.energy[0] if needs.energy else None,
        message=message,
    )


def _fits(problem: Problem, plan: Point) -> str:
    budget, name = problem.budget, widths.name(plan.bits)
    best = "the widest" if plan.bits == problem.quality.widths[-1] else "the best"
    return (
        f"{name}, {best} allowed, fit: {plan.delay_s:.4g} s of {budget.delay_s:.4g} s and "
        f"{plan.energy_j:.4g} J of {budget.energy_j:.4g} J"
    )


def _costs(problem: Problem, plan: Point, binding: str) -> str:
    what = {
        Objective.ENERGY: "least energy",
        Objective.DELAY: "least delay",
        Objective.WEIGHTED: "least weighted sum",
    }[problem.objective]
    why = {
        "none": "nothing but the machines limits it",
        "quality": "a greater loss_max would lower it",
    }.get(binding, f"a greater budget of {binding.replace('+', ' or ')} would lower it")
    return f"{what}: {widths.name(plan.bits)}, {plan.delay_s:.4g} s, {plan.energy_j:.4g} J; {why}"


def _reason(needs: Needs, budget: Budget) -> str:
    delay, energy = f"{budget.delay_s:.4g} s", f"{budget.energy_j:.4g} J"
    longer = ""
    if needs.delay is not None:
        longer = f"{widths.name(needs.delay[1])} would need {_enough(needs.delay[0])} s"
    if needs.energy is not None:
        reason = (
            f"the energy budget of {energy} binds: within {delay}, "
            f"{widths.name(needs.energy[1])} would need {_enough(needs.energy[0])} J"
        )
        return f"{reason} (or, within {energy}, {longer})" if longer else reason
    if longer:
        return (
            f"the delay budget of {delay} binds, at the highest clocks too: "
            f"within {energy}, {longer}"
        )
    return f"the delay budget of {delay} and the energy budget of {energy} are both too small"


def _enough(value: float) -> str:
    """Return a budget in four digits that are enough: rounded up.

    >>> _enough(1.03741), _enough(3.0)
    ('1.038', '3')
    """
    digits = Context(prec=4, rounding=ROUND_CEILING).create_decimal_from_float(value)
    return f"{float(digits):.4g}"
