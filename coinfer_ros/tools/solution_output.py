# SPDX-License-Identifier: Apache-2.0
"""What `coinfer solve` prints of a solution."""

from __future__ import annotations

import math

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer import Point, Solution, Status
from coinfer_ros.tools.output import Value, print_table


def record(
    found: Solution, weight_rate: float, embedding_error: float | None = None
) -> dict[str, Value]:
    """Return the JSON object that scripts rely on.

    :param weight_rate: λ of the weights, 1/weight unit.
    :param embedding_error: what a profile has of the plan's width; None adds no field.
    """
    plan = found.plan
    at = None if plan is None else rate_distortion.at_bits(plan.bits, weight_rate)
    fields: dict[str, Value] = {
        "status": found.status.value,
        "bits": found.bits,
        "robot_clock_hz": None if plan is None else plan.robot_clock_hz,
        "edge_clock_hz": None if plan is None else plan.edge_clock_hz,
        "delay_s": None if plan is None else plan.delay_s,
        "energy_j": None if plan is None else plan.energy_j,
        "distortion_lower": None if at is None else at.lower,
        "distortion_upper": None if at is None else at.upper,
        "distortion_exact": None if at is None else at.exact,
        "binding": found.binding,
    }
    if embedding_error is not None:
        fields["embedding_error"] = embedding_error
    if found.status is Status.INFEASIBLE:
        fields["nearest_deadline_s"] = found.nearest_delay_s
        fields["nearest_energy_j"] = found.nearest_energy_j
    return fields


def print_for_people(
    found: Solution, budget: Budget, weight_rate: float, embedding_error: float | None = None
) -> None:
    """Print the plan as a table, or what would help.

    :param weight_rate: λ of the weights, 1/weight unit.
    :param embedding_error: what a profile has of the plan's width; None adds no row.
    """
    plan = found.plan
    if plan is None:
        rows = [
            ("least deadline at this energy", _figure(found.nearest_delay_s, "s")),
            ("least energy at this deadline", _figure(found.nearest_energy_j, "J")),
        ]
        proved = found.status is Status.INFEASIBLE and found.binding != "unknown"
        print_table("No plan", rows if proved else [], found.message)
        return
    rows = _rows(plan, budget, weight_rate)
    if embedding_error is not None:
        rows.append(("embedding error, measured", f"{embedding_error:.4g}"))
    title = "Plan" if found.status is Status.OPTIMAL else f"Plan ({found.status.value})"
    print_table(title, rows, found.message)


def clock(clock_hz: float) -> str:
    """Return a clock in words; NaN is a machine's own pace.

    >>> clock(1.3005e9), clock(float("nan"))
    ('1.3 GHz', 'own pace')
    """
    return "own pace" if math.isnan(clock_hz) else _figure(clock_hz, "Hz", 1e9, "G")


def _rows(plan: Point, budget: Budget, weight_rate: float) -> list[tuple[str, str]]:
    at = rate_distortion.at_bits(plan.bits, weight_rate)
    return [
        ("bits a weight", f"{plan.bits}"),
        ("robot clock", clock(plan.robot_clock_hz)),
        ("edge clock", clock(plan.edge_clock_hz)),
        ("delay", _spent(plan.delay_s, budget.delay_s, "s")),
        ("energy", _spent(plan.energy_j, budget.energy_j, "J")),
        ("distortion, best code", f"{at.exact:.4g}"),
        ("distortion, bounds", f"{at.lower:.4g} to {at.upper:.4g}"),
    ]


def _spent(value: float, budget: float, unit: str) -> str:
    spent = "unknown" if math.isnan(value) else _figure(value, unit)
    return f"{spent}, no limit" if budget == math.inf else f"{spent} of {_figure(budget, unit)}"


def _figure(value: float | None, unit: str, scale: float = 1.0, prefix: str = "") -> str:
    return "none would do" if value is None else f"{value / scale:.4g} {prefix}{unit}"
