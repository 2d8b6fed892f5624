# SPDX-License-Identifier: Apache-2.0
"""What many episodes of one case come to, with intervals, and the table of all of them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rich.table import Table

from coinfer_ros.evaluation import intervals
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.sim.task.record import Outcome, Record
from coinfer_ros.tools.simulating.cases import Case
from coinfer_ros.tools.simulating.episodes import Key


@dataclass(frozen=True)
class Result:
    """All episodes of one case, in their order.

    :param case: it.
    :param records: (N,) at least one.
    :param limit_s: simulated time of an episode, s.
    """

    case: Case
    records: tuple[Record, ...]
    limit_s: float

    @cached_property
    def found(self) -> Estimate:
        """Share of episodes in which the robot came to the thing."""
        return intervals.share(self.count(Outcome.FOUND), len(self.records))

    @cached_property
    def time_s(self) -> Estimate:
        """Mean time until the thing was found, s; whatever did not find it took all the time."""
        return intervals.mean([r.time_s if r.found else self.limit_s for r in self.records])

    @cached_property
    def energy_j(self) -> Estimate:
        """Mean energy of an episode, J."""
        return intervals.mean([record.energy_j for record in self.records])

    def count(self, outcome: Outcome) -> int:
        """Return how many episodes ended so."""
        return sum(record.outcome is outcome for record in self.records)

    def against(self, other: Result) -> Estimate:
        """Return by how much more often it finds than another case, in the same episodes."""
        return intervals.difference(
            [record.found for record in self.records], [record.found for record in other.records]
        )

    @property
    def answer_j(self) -> float:
        """Energy of a request, J; NaN without any."""
        asked = self._sum("answers") + self._sum("given_up")
        return _ratio(sum(record.energy_j for record in self.records), asked)

    @property
    def delay_s(self) -> float:
        """Median of the episodes' median delays, s."""
        return self._median("delay_s")

    @property
    def age_s(self) -> float:
        """Median of the episodes' median ages of answered images, s."""
        return self._median("age_s")

    @property
    def bits(self) -> float:
        """Mean of the episodes' mean widths; NaN without answers."""
        known = [r.bits for r in self.records if not math.isnan(r.bits)]
        return float(np.mean(known)) if known else math.nan

    @property
    def wrong(self) -> float:
        """Share of answers that were wrong, of those whose truth is plain."""
        return _ratio(self._sum("wrong"), self._sum("judged"))

    @property
    def over_budget(self) -> float:
        """Share of requests over a budget."""
        return _ratio(self._sum("over_budget"), self._sum("answers") + self._sum("given_up"))

    @property
    def stale(self) -> float:
        """Share of answers too old to act on."""
        return _ratio(self._sum("stale"), self._sum("answers"))

    def _sum(self, name: str) -> int:
        return sum(getattr(record, name) for record in self.records)

    def _median(self, name: str) -> float:
        values = [getattr(record, name) for record in self.records]
        known = [value for value in values if not math.isnan(value)]
        return float(np.median(known)) if known else math.nan


def results(
    cases: Sequence[Case], records: Mapping[Key, Record], *, episodes: int, limit_s: float
) -> list[Result]:
    """Return what is known of each case, from the same episodes of all."""
    numbers = [n for n in range(episodes) if all((case.name, n) in records for case in cases)]
    if not numbers:
        return []
    return [
        Result(case, tuple(records[case.name, number] for number in numbers), limit_s)
        for case in cases
    ]


def save_table(found: Sequence[Result], path: Path) -> None:
    """Write a row a case as CSV, in SI units; what is not known is empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [_row(result) for result in found]
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def table(found: Sequence[Result], sweep: str) -> Table:
    """Return a sweep's rows for people, narrow enough for a terminal of 80 columns."""
    title = f"{sweep}: {len(found[0].records)} episodes a row, [95 %]; failed: misread, collided, "
    shown = Table(title=f"{title}timed out", box=None, padding=(0, 1, 0, 0))
    for name in ("who", "at"):
        shown.add_column(name)
    for name in ("found, %", "failed", "s", "J", "J each", "age", "bits", "wrong"):
        shown.add_column(name, justify="right", no_wrap=True)
    for r in found:
        percent = [f"{100 * end:.0f}" for end in (r.found.value, r.found.low, r.found.high)]
        failed = (r.count(outcome) for outcome in Outcome if outcome is not Outcome.FOUND)
        shown.add_row(
            r.case.line,
            r.case.at,
            f"{percent[0]} [{percent[1]}, {percent[2]}]",
            ", ".join(map(str, failed)),
            f"{r.time_s.value:.1f}",
            f"{r.energy_j.value:.3g}",
            f"{r.answer_j:.2g}",
            f"{r.age_s:.2f}",
            f"{r.bits:.1f}",
            f"{r.wrong:.0%}",
        )
    return shown


def _row(r: Result) -> dict[str, object]:
    row: dict[str, object] = {
        "sweep": r.case.sweep,
        "line": r.case.line,
        "at": r.case.at,
        "episodes": len(r.records),
        **{outcome.value.replace(" ", "_"): r.count(outcome) for outcome in Outcome},
    }
    for name in ("found", "time_s", "energy_j"):
        estimate: Estimate = getattr(r, name)
        stem = "found_share" if name == "found" else name
        for end in ("value", "low", "high"):
            row[stem if end == "value" else f"{stem}_{end}"] = getattr(estimate, end)
    for name in ("answer_j", "delay_s", "age_s", "bits", "wrong", "over_budget", "stale"):
        value: float = getattr(r, name)
        row[name] = "" if math.isnan(value) else value
    return row


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
