# SPDX-License-Identifier: Apache-2.0
"""What a bag's plans would have been under other budgets, by what was known at the time."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.planning import Question
from coinfer_ros.core.planning.record import OPTIMAL, PlanRecord
from coinfer_ros.tools.replaying.recomputation import Verdict

SETS = ("weight_bits", "wire_bits", "cut", "edge", "robot_clock_hz", "edge_clock_hz")


@dataclass(frozen=True)
class Change:
    """Budgets to plan with instead; None: as it was.

    :param delay_s: s.
    :param energy_j: J.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    delay_s: float | None = None
    energy_j: float | None = None

    def __post_init__(self) -> None:
        self.of(Question(Budget(), ()))

    def of(self, question: Question) -> Question:
        """Return a question with these budgets."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return dataclasses.replace(question, budget=dataclasses.replace(question.budget, **given))


@dataclass(frozen=True)
class Summary:
    """Plans in a few figures.

    :param feasible: share that keeps its budgets.
    :param weight_bits: median, as all that follow; NaN: known of none.
    """

    feasible: float
    weight_bits: float
    wire_bits: float
    robot_clock_hz: float
    edge_clock_hz: float
    loss: float
    predicted_delay_s: float
    predicted_energy_j: float


@dataclass(frozen=True)
class WhatIf:
    """Plans as they were and as they would have been.

    :param plans: how many were recomputed.
    :param changed: how many of them would have set something else.
    :param recorded: as they were.
    :param instead: as they would have been.
    """

    plans: int
    changed: int
    recorded: Summary
    instead: Summary


def parsed(words: Sequence[str]) -> Change:
    """Return the budgets that words name.

    :raises InvalidInput: for a word that names none.

    >>> parsed(["delay_s=0.2"])
    Change(delay_s=0.2, energy_j=None)
    """
    names = [field.name for field in dataclasses.fields(Change)]
    found = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            found[name] = float(text)
        except ValueError:
            name = ""
        if name not in names:
            rule = " or ".join(f"{name}=NUMBER" for name in names)
            raise InvalidInput(f"--what-if must be {rule}, got {word!r}")
    return Change(**found)


def instead(verdicts: Sequence[Verdict], change: Change) -> WhatIf | None:
    """Return what other budgets would have changed; None where no plan could be recomputed.

    :raises InvalidInput: for a budget that no plan can be made for.
    """
    pairs = [
        (v.recorded, v.grounds.plan(v.recorded.plan_id, change.of(v.grounds.question)))
        for v in verdicts
        if v.grounds is not None
    ]
    if not pairs:
        return None
    return WhatIf(
        plans=len(pairs),
        changed=sum(_sets(recorded) != _sets(other) for recorded, other in pairs),
        recorded=_summary([recorded for recorded, _ in pairs]),
        instead=_summary([other for _, other in pairs]),
    )


def _sets(plan: PlanRecord) -> tuple[str, ...]:
    # As text: a clock that is not known is NaN, which equals nothing.
    return tuple(repr(getattr(plan, name)) for name in SETS)


def _summary(plans: Sequence[PlanRecord]) -> Summary:
    names = [field.name for field in dataclasses.fields(Summary) if field.name != "feasible"]
    return Summary(
        feasible=sum(plan.status == OPTIMAL for plan in plans) / len(plans),
        **{name: _median([getattr(plan, name) for plan in plans]) for name in names},
    )


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan
