# SPDX-License-Identifier: Apache-2.0
"""Freedom never costs, distances are those of the theory, and a profile takes what fits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from coinfer_ros.evaluation.comparison import front, wall_time
from coinfer_ros.evaluation.comparison.distances import distances
from coinfer_ros.evaluation.comparison.front import FREEDOMS, CutWork
from coinfer_ros.evaluation.comparison.scenarios import SCENARIOS
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.comparison.wall_time import Timed
from coinfer_ros.evaluation.intervals import Estimate
from coinfer_ros.evaluation.quality.coding import Coding

GIT = SCENARIOS[1]
CUTS = [CutWork("", 1.0), CutWork("block2", 0.5)]
CODINGS = [
    Coding("nested", bits, wire_bits=wire, cut=cut.name)
    for cut in CUTS
    for bits in (2, 4, 8, 16)
    for wire in (4, 16)
]


def quality(coding: Coding) -> float:
    return min(coding.bits, 6.0) - (coding.wire_bits == 4) - 0.5 * bool(coding.cut)


SCORES = Scores({c.name: np.full(10, quality(c)) for c in CODINGS}, dict.fromkeys(CODINGS, 0.0))


def test_every_freedom_buys_at_least_as_much_for_as_little() -> None:
    found = front.settings(GIT, CUTS, CODINGS)
    fronts = [front.front(found, SCORES, freedom) for freedom in FREEDOMS]
    assert all(fronts)
    for less, more in itertools.pairwise(fronts):
        for one in less:
            mean = SCORES.each[one.coding.name].mean()
            best = max(
                SCORES.each[other.coding.name].mean()
                for other in more
                if other.point.energy_j <= one.point.energy_j
            )
            assert best >= mean
    assert all(one.point.delay_s <= GIT.budget.delay_s for one in found)
    only_bits = {one.point.robot_clock_hz for one in fronts[0]}
    assert only_bits == {GIT.system.robot.clock_max_hz}


def test_a_cut_moves_work_and_loses_none() -> None:
    whole = GIT.system.workload
    moved = front.system_at(GIT, 0.5, 8)
    assert moved.workload.robot_flop == pytest.approx(whole.robot_flop / 2)
    total = whole.robot_flop + whole.edge_flop
    assert moved.workload.robot_flop + moved.workload.edge_flop == pytest.approx(total)
    # 6 x 197 x 768 bytes at 20 Mbit/s, and 5 ms.
    assert moved.link.delay_s == pytest.approx(907776 * 8 / 20e6 + 0.005)


def test_distances_from_the_limit_are_the_theorys() -> None:
    # docs/theory.md, 2: λD of the best table is .2231 at 3 bits, the limit .1335.
    three = next(one for one in distances("exponential", SCORES) if one.bits == 3)
    assert (three.limit, three.on_law) == pytest.approx((0.133531, 0.223144), abs=1e-6)
    # R(D) = -log2(2 (1 - e^-λD)) at .223144 is 1.3219.
    assert three.bits_short == pytest.approx(2.0 - 1.321928, abs=1e-5)
    assert three.on_weights is None
    nested = {one.bits: one.on_law for one in distances("nested", SCORES)}
    assert nested[4] == pytest.approx(0.119165, abs=1e-6)


def timed(profile: str, bits: int, seconds: float, score: float, joules: float | None) -> Timed:
    spread = tuple(np.linspace(0.9, 1.1, 21) * seconds)
    return Timed(profile, bits, "int8", spread, joules, Estimate(score, score, score))


def test_a_profile_takes_the_best_quality_within_the_budget() -> None:
    ours = [timed("slow", 4, 2.0, 5.0, None), timed("slow", 8, 3.0, 7.0, None)]
    ours += [timed("fast", 4, 1.0, 5.0, None), timed("fast", 8, 1.5, 7.0, None)]
    found = wall_time.table(ours)
    assert {one.axis for one in found} == {"delay"}  # no meter, no columns
    picked = {(one.profile, one.budget): one.chosen for one in found}
    budgets = sorted({one.budget for one in found})
    assert ours[0].late_s == pytest.approx(2.0 * 1.09)
    assert picked["slow", budgets[0]] is None
    assert picked["fast", budgets[0]].bits == 4
    assert picked["fast", budgets[-1]].bits == 8
    assert picked["slow", budgets[-1]].bits == 4
    metered = [timed("only", bits, 1.0, float(bits), float(bits)) for bits in (2, 4, 8)]
    assert {one.axis for one in wall_time.table(metered)} == {"delay", "energy"}
