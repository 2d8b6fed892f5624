# SPDX-License-Identifier: Apache-2.0
"""What `coinfer solve` prints of a solution."""

from __future__ import annotations

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer import Solution, Status
from coinfer_ros.tools.output import Value, print_table


def record(found: Solution, weight_rate: float) -> dict[str, Value]:
    """Return the JSON object that scripts rely on."""
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
    if found.status is Status.INFEASIBLE:
        fields["nearest_deadline_s"] = found.nearest_delay_s
        fields["nearest_energy_j"] = found.nearest_energy_j
    return fields


def print_for_people(found: Solution, budget: Budget, weight_rate: float) -> None:
    """Print the plan as a table, or what would help."""
    plan = found.plan
    if plan is None:
        rows = [
            ("least deadline at this energy", _figure(found.nearest_delay_s, "s")),
            ("least energy at this deadline", _figure(found.nearest_energy_j, "J")),
        ]
        proved = found.status is Status.INFEASIBLE and found.binding != "unknown"
        print_table("No plan", rows if proved else [], found.message)
        return
    at = rate_distortion.at_bits(plan.bits, weight_rate)
    print_table(
        "Plan" if found.status is Status.OPTIMAL else f"Plan ({found.status.value})",
        [
            ("bits a weight", f"{plan.bits}"),
            ("robot clock", _figure(plan.robot_clock_hz, "Hz", 1e9, "G")),
            ("edge clock", _figure(plan.edge_clock_hz, "Hz", 1e9, "G")),
            ("delay", f"{_figure(plan.delay_s, 's')} of {_figure(budget.delay_s, 's')}"),
            ("energy", f"{_figure(plan.energy_j, 'J')} of {_figure(budget.energy_j, 'J')}"),
            ("distortion, best code", f"{at.exact:.4g}"),
            ("distortion, bounds", f"{at.lower:.4g} to {at.upper:.4g}"),
        ],
        found.message,
    )


def _figure(value: float | None, unit: str, scale: float = 1.0, prefix: str = "") -> str:
    return "none would do" if value is None else f"{value / scale:.4g} {prefix}{unit}"
