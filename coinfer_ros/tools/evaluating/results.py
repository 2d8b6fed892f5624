# SPDX-License-Identifier: Apache-2.0
"""All numbers of an evaluation, from captions and choices to what is drawn and tabled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.quantizers import nested
from coinfer_ros.evaluation.comparison import front, points
from coinfer_ros.evaluation.comparison.choices import EXACT, METHODS, ORACLE, PPO, Choice, choose
from coinfer_ros.evaluation.comparison.points import Point
from coinfer_ros.evaluation.comparison.scenarios import Scenario, Sweep
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.comparison.wall_time import Timed
from coinfer_ros.evaluation.quality.coding import Coding
from coinfer_ros.tools.evaluating.extent import Extent
from coinfer_ros.tools.evaluating.policy import Learned
from coinfer_ros.tools.evaluating.wanted import FRONT_SCENARIO, front_codings, front_cuts


def choices(sweeps: Sequence[Sweep], learned: Learned) -> dict[tuple[int, int, str], Choice]:
    """Return what each method chooses, by place of the sweep, place of the budget and method."""
    asked = [(s, b) for s, sweep in enumerate(sweeps) for b in range(len(sweep.budgets))]
    found = {
        (s, b, method): choose(method, sweeps[s].scenario.system, sweeps[s].budgets[b])
        for s, b in asked
        for method in METHODS
        if method not in (PPO, ORACLE)
    }
    policy = {(s, b, PPO): one for (s, b), one in zip(asked, learned.choices, strict=True)}
    return found | policy


@dataclass(frozen=True)
class Results:
    """What was found.

    :param extent: how much was looked at.
    :param sweeps: both of each scenario.
    :param chosen: what :func:`choices` returns.
    :param learned: of the policy.
    :param scores: by a model's name.
    :param timed: this machine's settings; empty where it was not asked for.
    """

    extent: Extent
    sweeps: tuple[Sweep, ...]
    chosen: Mapping[tuple[int, int, str], Choice]
    learned: Learned
    scores: Mapping[str, Scores]
    timed: tuple[Timed, ...]

    @cached_property
    def by_method(self) -> list[Point]:
        """Every method's points, for both of the paper's quantizers."""
        return [
            self._point(s, b, method, quantizer)
            for s, sweep in enumerate(self.sweeps)
            for quantizer in points.PAPER_QUANTIZERS
            for method in METHODS
            for b in range(len(sweep.budgets))
        ]

    @cached_property
    def by_quantizer(self) -> list[Point]:
        """The joint design's points, for every quantizer and for widths a layer."""
        every = (*points.PAPER_QUANTIZERS, *points.BETTER_QUANTIZERS)
        plain = [
            points.point(
                sweep, quantizer, self.chosen[s, b, EXACT], self._scores(sweep), line=quantizer
            )
            for s, sweep in enumerate(self.sweeps)
            for quantizer in every
            for b in range(len(sweep.budgets))
        ]
        return plain + [
            self._allocated(s, b)
            for s, sweep in enumerate(self.sweeps)
            for b in range(len(sweep.budgets))
        ]

    def of(self, scenario: Scenario, quantizer: str, method: str) -> list[Point]:
        """Return one method's points on both sweeps of a scenario."""
        return [
            one
            for one in self.by_method
            if (one.sweep.scenario, one.quantizer, one.line) == (scenario, quantizer, method)
        ]

    @cached_property
    def front_settings(self) -> list[front.Setting]:
        """What the front of quality over energy is chosen from."""
        codings = front_codings(self.extent)
        return front.settings(FRONT_SCENARIO, front_cuts(self.extent), codings)

    @cached_property
    def fronts(self) -> dict[str, list[front.Setting]]:
        """The unbeaten settings, by how much is free."""
        scores = self.scores[FRONT_SCENARIO.model]
        return {
            freedom: front.front(self.front_settings, scores, freedom) for freedom in front.FREEDOMS
        }

    def stored(self, scenario: Scenario) -> float:
        """Return the quality of a scenario's model as it is stored."""
        scores = self.scores[scenario.model]
        return scores.estimate(Coding(nested.NAME, FULL_BITS)).value

    def _point(self, s: int, b: int, method: str, quantizer: str) -> Point:
        sweep = self.sweeps[s]
        scores = self._scores(sweep)
        if method == ORACLE:
            return points.oracle(sweep, quantizer, b, scores)
        return points.point(sweep, quantizer, self.chosen[s, b, method], scores)

    def _allocated(self, s: int, b: int) -> Point:
        sweep = self.sweeps[s]
        return points.allocated(sweep, b, self.chosen[s, b, EXACT], self._scores(sweep))

    def _scores(self, sweep: Sweep) -> Scores:
        return self.scores[sweep.scenario.model]
