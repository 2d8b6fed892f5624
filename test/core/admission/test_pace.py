# SPDX-License-Identifier: Apache-2.0
"""The pace of a model is learnt from few runs, follows its clock and forgives an odd one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.admission import Pace
from coinfer_ros.core.errors import InvalidInput

START_S, EACH_S = 0.1, 0.02


def truth(size: int, slower: float = 1.0) -> float:
    return slower * (START_S + EACH_S * size)


def taught(sizes: list[int], slower: float = 1.0) -> Pace:
    pace = Pace()
    for size in sizes:
        pace.learn(size, truth(size, slower))
    return pace


def test_nothing_is_known_before_the_first_run_and_that_run_after_it() -> None:
    pace = Pace()
    assert (pace.known, pace.seconds(1), pace.seconds(8)) == (False, 0.0, 0.0)
    pace.learn(2, 0.3)
    assert pace.known
    assert pace.seconds(2) == pytest.approx(0.3)
    assert pace.seconds(1) < 0.3 < pace.seconds(3)


@given(st.lists(st.integers(1, 8), min_size=30, max_size=60).filter(lambda s: len(set(s)) > 2))
def test_runs_of_several_sizes_give_away_start_and_each(sizes: list[int]) -> None:
    pace = taught(list(itertools.islice(itertools.cycle(sizes), 200)))
    # The deviation fades with the runs; nothing else stands between it and the law.
    for size in (1, 8):
        assert pace.seconds(size) == pytest.approx(truth(size), rel=0.05)


def test_noise_is_averaged_and_its_size_is_told() -> None:
    rng = np.random.default_rng(3)
    found = []
    pace = Pace()
    for _ in range(400):
        size = int(rng.integers(1, 9))
        pace.learn(size, truth(size) * rng.uniform(0.8, 1.2))
        found.append((pace.start_s + 4 * pace.each_s, pace.spread_s))
    means, spreads = np.array(found[100:]).T
    # A tenth of the runs' mean deviation of 10 %, over the last eight of them: 0.1 / √8 = 3.5 %.
    assert means.mean() == pytest.approx(truth(4), rel=0.035)
    assert means.std() < 2 * 0.035 * truth(4)
    assert spreads.mean() == pytest.approx(0.1 * truth(4.5), rel=0.2)


@pytest.mark.parametrize("odd_s", [0.0, 60.0])
def test_one_odd_run_changes_little(odd_s: float) -> None:
    pace = taught([1, 2, 4, 8] * 20)
    before_s = pace.seconds(4)
    pace.learn(4, odd_s)
    # It counts as three of the least usual deviations, with the weight of one run in eight.
    assert abs(pace.seconds(4) - before_s) < 2 * (3 * 0.1 / 8) * before_s


@pytest.mark.parametrize("slower", [0.3, 4.0])
def test_another_clock_is_followed_at_the_second_run_of_one_size_too(slower: float) -> None:
    pace = taught([1, 2, 4, 8] * 20 + [1] * 20)
    for _ in range(2):
        pace.learn(1, truth(1, slower))
    for size in (1, 8):
        # The first of the two counted as an odd run does, and its share of that stays.
        assert pace.seconds(size) == pytest.approx(truth(size, slower), rel=0.2)


def test_a_cold_first_run_is_forgotten() -> None:
    pace = Pace()
    pace.learn(1, 40 * truth(1))
    for size in (1, 2, 1, 4, 1, 2):
        pace.learn(size, truth(size))
    assert pace.seconds(1) < 2 * truth(1)


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0.0, 1e4)), max_size=60))
def test_whatever_ran_a_larger_batch_never_takes_less_and_none_takes_less_than_nothing(
    runs: list[tuple[int, float]],
) -> None:
    pace = Pace()
    for size, seconds in runs:
        pace.learn(size, seconds)
        assert np.isfinite(pace.seconds(50))
        assert 0.0 <= pace.seconds(1) <= pace.seconds(2) <= pace.seconds(50)


@pytest.mark.parametrize(
    ("size", "seconds", "says"), [(0, 1.0, "size"), (1, -1.0, "seconds"), (1, np.nan, "seconds")]
)
def test_what_is_no_run_is_refused(size: int, seconds: float, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"{says} must be"):
        Pace().learn(size, seconds)
