# SPDX-License-Identifier: Apache-2.0
"""Puts the measured quality beside what each method chose: the points of Figs 5 to 8."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.optimizer import Problem, solve
from coinfer_ros.core.optimizer.problem import Quality
from coinfer_ros.core.quantizers import nested
from coinfer_ros.evaluation.comparison.choices import ORACLE, Choice, choice_of, relaxed_bits
from coinfer_ros.evaluation.comparison.scenarios import Sweep
from coinfer_ros.evaluation.comparison.scores import Each, Scores
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.evaluation.quality.coding import Coding

PAPER_QUANTIZERS = ("uniform", "power_of_two")
BETTER_QUANTIZERS = ("uniform_l1", "exponential", nested.NAME)
ALLOCATED = "nested, a width a layer"
BITS_STEP = 0.05  # mean widths of layers are told to so many bits, rounded down


@dataclass(frozen=True)
class Point:
    """One method at one pair of budgets.

    :param sweep: whose.
    :param line: the method, or what stores the weights.
    :param quantizer: what stores the weights.
    :param choice: what was chosen.
    :param each: (N,) what its captions score, 0 where the budgets are not kept: no answer in time.
    :param quality: its mean with an interval; None where the budgets are not kept.
    """

    sweep: Sweep
    line: str
    quantizer: str
    choice: Choice
    each: Each
    quality: Estimate | None


def codings(quantizer: str, choice: Choice) -> Counter[Coding]:
    """Return how a model would be stored, and in how many of the choice's draws."""
    return Counter(Coding(quantizer, bits, whole=choice.whole) for bits in choice.bits)


def point(sweep: Sweep, quantizer: str, choice: Choice, scores: Scores, line: str = "") -> Point:
    """Return a method's point.

    :param scores: of the scenario's model; must hold the choice's codings.
    """
    nothing = np.zeros_like(next(iter(scores.each.values())))
    if not choice.kept:
        return Point(sweep, line or choice.method, quantizer, choice, nothing, None)
    drawn = codings(quantizer, choice)
    each = sum((scores.each[c.name] * n for c, n in drawn.items()), nothing) / drawn.total()
    ends = [(scores.estimate(coding), count) for coding, count in drawn.items()]
    # Of one coding its interval; of several, whose images are the same, the mean of the intervals.
    value, low, high = (
        sum(getattr(end, name) * count for end, count in ends) / drawn.total()
        for name in ("value", "low", "high")
    )
    estimate = Estimate(value, low, high)
    return Point(sweep, line or choice.method, quantizer, choice, each, estimate)


def oracle(sweep: Sweep, quantizer: str, index: int, scores: Scores) -> Point:
    """Return the best measured quality of all widths that fit."""
    budget = sweep.budgets[index]
    quality = Quality.of_scores(scores.by_width(quantizer))
    found = solve(Problem(sweep.scenario.system, budget, quality))
    return point(sweep, quantizer, choice_of(ORACLE, budget, found), scores)


def allocated_coding(sweep: Sweep, index: int) -> Coding | None:
    """Return nested codes whose layers have widths of their own, as many bits as fit; None: none.

    The clocks are those of the relaxed problem: a mean of real bits uses the budgets up.
    """
    bits = relaxed_bits(sweep.scenario.system, sweep.budgets[index])
    if bits is None or bits < 2.0:
        return None
    most = min(bits, 8.0)
    return Coding(nested.NAME, int(most / BITS_STEP + 1e-9) * BITS_STEP, allocated=True)


def allocated(sweep: Sweep, index: int, exact: Choice, scores: Scores) -> Point:
    """Return the point of :func:`allocated_coding`.

    :param exact: the plan of one width for all layers, told beside it.
    """
    coding = allocated_coding(sweep, index)
    if coding is None:
        nothing = np.zeros_like(next(iter(scores.each.values())))
        return Point(sweep, ALLOCATED, nested.NAME, exact, nothing, None)
    each, estimate = scores.each[coding.name], scores.estimate(coding)
    return Point(sweep, ALLOCATED, nested.NAME, exact, each, estimate)


def share_of_oracle(points: Iterable[Point], best: Iterable[Point]) -> Estimate:
    """Return the quality that a method reaches over the oracle's, summed over all points.

    A budget that is broken, or for which it finds no plan, counts nothing; where the oracle has no
    plan, the point is left out. The interval is a bootstrap's over the images, the same for both.
    """
    pairs = [(ours, top) for ours, top in zip(points, best, strict=True) if top.choice.kept]
    ours = np.sum([one.each for one, _ in pairs], axis=0)  # (N,)
    tops = np.sum([top.each for _, top in pairs], axis=0)
    drawn = np.random.default_rng(0).integers(len(ours), size=(2000, len(ours)))
    ratios = ours[drawn].sum(axis=1) / tops[drawn].sum(axis=1)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return Estimate(float(ours.sum() / tops.sum()), float(low), float(high))


def count_broken(points: Sequence[Point], best: Sequence[Point]) -> tuple[int, int, int]:
    """Return how many points have a plan that fits at all, and of these broken and without one."""
    possible = [ours for ours, top in zip(points, best, strict=True) if top.choice.kept]
    broken = sum(one.choice.broken for one in possible)
    return len(possible), broken, sum(not one.choice.bits for one in possible)
