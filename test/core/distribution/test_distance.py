# SPDX-License-Identifier: Apache-2.0
"""Tests of the two ends between which a distance lies, on a bin or two."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros.core.distribution.distance import distance
from coinfer_ros.core.magnitudes import Bins


def exponential(magnitudes: np.ndarray) -> np.ndarray:
    return -np.expm1(-magnitudes)


def bins(least: list[float], greatest: list[float], counts: list[int]) -> Bins:
    return Bins(np.array(least), np.array(greatest), np.array(counts))


def test_below_a_lone_bin_nothing_was_counted_and_the_law_has_risen() -> None:
    found = distance(bins([1.0], [1.1], [3]), exponential)
    assert found.low == pytest.approx(1 - math.exp(-1.0))  # just below the bin
    assert found.high == pytest.approx(1 - math.exp(-1.1))  # were all weights at its end


def test_above_a_lone_bin_all_were_counted_and_the_law_has_not_risen() -> None:
    found = distance(bins([0.1], [0.2], [3]), exponential)
    assert found.low == pytest.approx(math.exp(-0.2))
    assert found.high == pytest.approx(math.exp(-0.1))
    assert found.middle == pytest.approx((math.exp(-0.2) + math.exp(-0.1)) / 2)


def test_of_two_bins_the_gap_between_them_may_decide() -> None:
    found = distance(bins([0.1, 2.0], [0.2, 2.1], [1, 4]), exponential)
    assert found.low == pytest.approx(1 - math.exp(-2.0) - 0.2)
    assert found.high == pytest.approx(1 - math.exp(-2.1) - 0.2)


def test_exact_magnitudes_leave_no_doubt() -> None:
    found = distance(bins([0.5, 1.0], [0.5, 1.0], [1, 1]), exponential)
    assert found.low == found.high == pytest.approx(max(1 - math.exp(-0.5), math.exp(-1.0)))
