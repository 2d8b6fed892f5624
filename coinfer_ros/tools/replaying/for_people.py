# SPDX-License-Identifier: Apache-2.0
"""What `coinfer replay` prints for people: plans, what came of them, what else would have been."""

from __future__ import annotations

import math
from collections.abc import Sequence

from coinfer_ros.tools.output import print_table
from coinfer_ros.tools.replaying.comparison import Difference
from coinfer_ros.tools.replaying.evidence import Error, Evidence, Share
from coinfer_ros.tools.replaying.replayed import Replayed
from coinfer_ros.tools.replaying.what_if import Summary, WhatIf

MOST_LINES, MOST_FIELDS = 10, 3  # --json has all
Rows = list[tuple[str, str]]


def print_for_people(robots: Sequence[Replayed]) -> None:
    """Print each robot's plans, and what came of them."""
    for robot in robots:
        print_table(f"Plans of {robot.robot_id!r}", _plans(robot), "\n".join(_lines(robot)))
        title = f"What came of them: {robot.traces} traces, {robot.answers} answers"
        print_table(title, _evidence(robot.evidence))
        if robot.what_if is not None:
            note = "By what was known when each plan was made; what it led to is as it was."
            print_table("With the other budgets", _what_if(robot.what_if), note)


def _plans(robot: Replayed) -> Rows:
    different = robot.different
    rounded = sum(all(d.rounding for d in verdict.differences) for verdict in different)
    by_rounding = f", {rounded} by rounding alone: another processor" if rounded else ""
    return [
        ("plans", f"{len(robot.verdicts)}"),
        ("recomputed", f"{len(robot.recomputed)}"),
        ("equal in every field", f"{len(robot.recomputed) - len(different)}"),
        ("different", f"{len(different)}{by_rounding}"),
        ("sent again with other contents", f"{len(robot.repetitions)}"),
    ]


def _lines(robot: Replayed) -> list[str]:
    """Name what is not as it should be."""
    lines = [f"plan {v.recorded.plan_id}: {v.reason}" for v in robot.verdicts if v.reason]
    lines += [
        f"plan {v.recorded.plan_id}: {_told(v.differences, 'recorded', 'recomputed')}"
        for v in robot.different
    ]
    lines += [
        f"plan {r.plan_id} sent again: {_told(r.differences, 'first', 'then')}"
        for r in robot.repetitions
    ]
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"and {more} more; --json has all"] if more > 0 else [])]


def _told(found: Sequence[Difference], one: str, other: str) -> str:
    figures_first = sorted(found, key=lambda d: d.field == "message")  # it only repeats them
    named = [f"{d.field} {one} {d.one!r}, {other} {d.other!r}" for d in figures_first]
    more = len(found) - MOST_FIELDS
    return "; ".join([*named[:MOST_FIELDS], *([f"and {more} more fields"] if more > 0 else [])])


def _evidence(of: Evidence) -> Rows:
    promised = "" if math.isnan(of.promised) else f", promised at most {100 * of.promised:.3g} %"
    return [
        ("requests", f"{of.requests}: {of.ok} answered in time, {of.late} late"),
        ("without their plan in the bag", f"{of.unplanned}"),
        ("kept both budgets", _share(of.kept)),
        ("where the plan said that it would", _share(of.kept_feasible)),
        ("later than predicted there", f"{_share(of.overdue)}{promised}"),
        ("delay, measured less predicted", _error(of.delay_s, "s")),
        ("energy, measured less predicted", _error(of.energy_j, "J")),
    ]


def _share(of: Share) -> str:
    return f"{of.count} of {of.of} ({100 * of.share:.3g} %)" if of.of else "not known of any"


def _error(of: Error, unit: str) -> str:
    if not of.count:
        return "not known of any"
    return f"median {of.median:+.3g} {unit}, p95 {of.p95:+.3g} {unit}, of {of.count}"


def _what_if(found: WhatIf) -> Rows:
    pairs = zip(_figures(found.recorded), _figures(found.instead), strict=True)
    return [
        ("would have set something else", _share(Share(found.changed, found.plans))),
        *((name, f"{before} → {after}") for (name, before), (_, after) in pairs),
    ]


def _figures(of: Summary) -> Rows:
    figures = [
        ("keep their budgets", 100 * of.feasible, "%"),
        ("bits a weight, median", of.weight_bits, ""),
        ("bits a value on the wire", of.wire_bits, ""),
        ("robot clock", of.robot_clock_hz / 1e6, "MHz"),
        ("edge clock", of.edge_clock_hz / 1e6, "MHz"),
        ("loss", of.loss, ""),
        ("predicted delay", of.predicted_delay_s, "s"),
        ("predicted energy", of.predicted_energy_j, "J"),
    ]
    return [(name, _figure(value, unit)) for name, value, unit in figures]


def _figure(value: float, unit: str) -> str:
    return "unknown" if math.isnan(value) else f"{value:.4g} {unit}".rstrip()
