# SPDX-License-Identifier: Apache-2.0
"""What came of one episode: how it ended, how long it took, what it cost, how good answers were."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from enum import Enum

from coinfer_ros.core import checks
from coinfer_ros.core.costs import Budget
from coinfer_ros.sim.arena.sight import Sight
from coinfer_ros.sim.task.machines import Took


class Outcome(Enum):
    """How an episode ended."""

    FOUND = "found"
    MISREAD = "misread"  # called found at a place where it is not
    COLLIDED = "collided"  # touched a thing or a wall
    TIMED_OUT = "timed out"


@dataclass(frozen=True)
class Record:
    """What came of one episode; NaN where there was no answer to take it from.

    :param time_s: when it ended, s.
    :param path_m: how far the robot went, m.
    :param energy_j: of both machines above idle; of a request without an answer the robot's alone.
    :param answers: that came.
    :param given_up: requests without an answer.
    :param over_budget: answers over a budget, and what was given up.
    :param stale: answers too old to act on.
    :param judged: answers about images whose truth is beyond dispute ...
    :param wrong: ... and how many of them were wrong or no answer.
    :param delay_s: median time from taking up an image to its answer, s.
    :param age_s: median age of the image when its answer came, s.
    :param bits: mean width of the robot's weights.
    """

    outcome: Outcome
    time_s: float
    path_m: float
    energy_j: float
    answers: int
    given_up: int
    over_budget: int
    stale: int
    judged: int
    wrong: int
    delay_s: float
    age_s: float
    bits: float

    def __post_init__(self) -> None:
        for name in ("time_s", "path_m", "energy_j"):
            checks.number(name, getattr(self, name), low=0.0)
        for name in ("answers", "given_up", "over_budget"):
            checks.whole(name, getattr(self, name), low=0, high=self.answers + self.given_up)
        for name in ("stale", "judged", "wrong"):
            checks.whole(name, getattr(self, name), low=0, high=self.answers)

    @property
    def found(self) -> bool:
        """True when the robot came to the thing."""
        return self.outcome is Outcome.FOUND


@dataclass
class Tally:
    """Counts while an episode runs.

    :param budget: what an answer should take at most.
    """

    budget: Budget
    energy_j: float = 0.0
    given_up: int = 0
    over_budget: int = 0
    judged: int = 0
    wrong: int = 0
    delays_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)

    def count(self, took: Took) -> None:
        """Count a request and what it cost."""
        measured = took.measured
        if measured is None or measured.overdue:
            self.given_up += 1
            self.over_budget += 1
            self.energy_j += 0.0 if measured is None else measured.head_j
            return
        self.energy_j += measured.total_j
        self.over_budget += not self.budget.kept(measured.total_s, measured.total_j)
        self.delays_s.append(measured.total_s)
        self.bits.append(measured.bits)

    def judge(self, said: Sight | None, truth: Sight, age_s: float) -> None:
        """Count an answer that came.

        :param said: None for words that are no answer.
        :param age_s: of its image, s.
        """
        self.ages_s.append(age_s)
        if truth.plain:
            self.judged += 1
            self.wrong += said is None or not _same(said, truth)

    def record(self, outcome: Outcome, *, time_s: float, path_m: float, stale: int) -> Record:
        """Return what came of it all."""
        return Record(
            outcome=outcome,
            time_s=time_s,
            path_m=path_m,
            energy_j=self.energy_j,
            answers=len(self.bits),
            given_up=self.given_up,
            over_budget=self.over_budget,
            stale=stale,
            judged=self.judged,
            wrong=self.wrong,
            delay_s=_median(self.delays_s),
            age_s=_median(self.ages_s),
            bits=statistics.fmean(self.bits) if self.bits else math.nan,
        )


def _same(said: Sight, truth: Sight) -> bool:
    return (said.direction, said.distance) == (truth.direction, truth.distance)


def _median(values: list[float]) -> float:
    return statistics.median(values) if values else math.nan
