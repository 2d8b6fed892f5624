# SPDX-License-Identifier: Apache-2.0
"""Intervals are those of the formulas, and keep their confidence."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.evaluation import intervals


def test_a_share_has_wilsons_interval() -> None:
    # Brown, Cai and DasGupta's formula worked by hand for 8 of 10.
    found = intervals.share(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert intervals.share(0, 5).low == 0.0
    assert intervals.share(5, 5).high == 1.0


def test_an_interval_of_a_paired_difference_keeps_its_confidence() -> None:
    rng, kept, runs = np.random.default_rng(0), 0, 1000
    for _ in range(runs):
        common = rng.random(50)
        first = [bool(value) for value in (common < 0.7) ^ (rng.random(50) < 0.1)]
        second = [bool(value) for value in common < 0.6]
        found = intervals.difference(first, second)
        truth = 0.7 * 0.9 + 0.3 * 0.1 - 0.6
        kept += found.low <= truth <= found.high
    assert kept / runs > 0.95 - 4 * math.sqrt(0.95 * 0.05 / runs)


def test_a_mean_lies_in_its_interval_which_repeats() -> None:
    values = np.random.default_rng(1).exponential(size=100)
    found = intervals.mean(values)
    assert found.low < found.value < found.high
    # Near the normal one: the mean of 100 is.
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 10, rel=0.15)
    assert intervals.mean(values) == found
