# SPDX-License-Identifier: Apache-2.0
"""The ledger's joules lie within their stated bound of the truth, or are unknown."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coinfer_ros.core.energy import Ledger
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Sample, SensorInfo

PERIOD_S = 0.1
STEP_J = 0.01
COUNTING = SensorInfo("test", "a board", period_s=PERIOD_S, resolution_j=STEP_J)
POWER_ONLY = SensorInfo("test", "a board", period_s=PERIOD_S, resolution_j=0.0)


@dataclass(frozen=True)
class Truth:
    """Power that is constant between changes."""

    changes_s: list[float]  # the first is 0
    powers_w: list[float]

    def energy_j(self, at_s: float) -> float:
        lengths = [b - a for a, b in zip(self.changes_s, self.changes_s[1:], strict=False)]
        done = [0.0, *accumulate(w * s for w, s in zip(self.powers_w, lengths, strict=False))]
        place = bisect_right(self.changes_s, at_s) - 1
        return done[place] + self.powers_w[place] * (at_s - self.changes_s[place])

    def mean_w(self, from_s: float, to_s: float) -> float:
        return (self.energy_j(to_s) - self.energy_j(from_s)) / (to_s - from_s)


@st.composite
def truths(draw) -> Truth:
    lengths = draw(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12))
    powers = st.lists(st.floats(1.0, 400.0), min_size=len(lengths), max_size=len(lengths))
    return Truth([0.0, *accumulate(lengths)][:-1], draw(powers))


def counted(truth: Truth, look_s: float, until_s: float) -> Ledger:
    """A counter that is renewed every period, in steps, and looked at more often."""
    ledger = Ledger(COUNTING, faults=Faults(), idle_power_w=0.0)
    for look in range(int(until_s / look_s) + 1):
        at_s = look * look_s
        shown_j = truth.energy_j(math.floor(at_s / PERIOD_S) * PERIOD_S)
        ledger.add(Sample(at_s, counter_j=math.floor(shown_j / STEP_J) * STEP_J))
    return ledger


def averaged(truth: Truth, until_s: float) -> Ledger:
    """A register that holds the mean power of the period before."""
    ledger = Ledger(POWER_ONLY, faults=Faults(), idle_power_w=0.0)
    for look in range(1, int(until_s / PERIOD_S) + 1):
        at_s = look * PERIOD_S
        ledger.add(Sample(at_s, power_w=truth.mean_w(at_s - PERIOD_S, at_s)))
    return ledger


END_S = 4.0
# a little more than three periods, for rounding
windows = st.tuples(st.floats(0.2, 3.5), st.floats(3.01 * PERIOD_S, 3.5))


@given(truth=truths(), window=windows, look_s=st.sampled_from([0.02, 0.033, 0.1]))
def test_a_counter_in_steps_is_within_its_bound(truth, window, look_s):
    begin_s, length_s = window
    assume(begin_s + length_s < END_S)
    spent = counted(truth, look_s, END_S + PERIOD_S).spent(begin_s, begin_s + length_s)
    true_j = truth.energy_j(begin_s + length_s) - truth.energy_j(begin_s)
    assert abs(spent.gross_j - true_j) <= spent.error_j


@given(truth=truths(), window=windows)
def test_integrated_power_is_within_its_bound(truth, window):
    begin_s, length_s = window
    assume(begin_s + length_s < END_S)
    spent = averaged(truth, END_S + PERIOD_S).spent(begin_s, begin_s + length_s)
    true_j = truth.energy_j(begin_s + length_s) - truth.energy_j(begin_s)
    assert abs(spent.gross_j - true_j) <= spent.error_j


def steady(power_w: float, *, until_s: float, info: SensorInfo = POWER_ONLY, **more) -> Ledger:
    ledger = Ledger(info, faults=Faults(), **more)
    for look in range(int(until_s / PERIOD_S) + 1):
        ledger.add(Sample(look * PERIOD_S, power_w=power_w))
    return ledger


def test_steady_power_is_exact_but_for_the_ends():
    spent = steady(20.0, until_s=5.0, idle_power_w=5.0).spent(1.0, 3.0)
    assert spent.gross_j == pytest.approx(40.0)
    assert spent.above_idle_j == pytest.approx(30.0)
    assert spent.error_j == pytest.approx(2 * PERIOD_S * 20.0)


@pytest.mark.parametrize(
    ("begin_s", "end_s"),
    [(1.0, 1.29), (-1.0, 2.0), (4.0, 6.0), (3.0, 1.0), (math.nan, 2.0)],
    ids=["under three periods", "before it began", "not yet seen", "backwards", "no time"],
)
def test_what_was_not_seen_is_unknown(begin_s, end_s):
    assert not steady(20.0, until_s=5.0).spent(begin_s, end_s).known


def test_samples_that_are_missing_make_their_time_unknown_and_no_other():
    faults = Faults()
    ledger = Ledger(POWER_ONLY, faults=faults, idle_power_w=0.0)
    for look in [*range(20), *range(40, 60)]:
        ledger.add(Sample(look * PERIOD_S, power_w=10.0))
    assert ledger.spent(0.5, 1.5).known
    assert not ledger.spent(1.0, 5.0).known
    assert not ledger.spent(2.5, 3.5).known
    assert ledger.spent(4.2, 5.2).known
    assert faults.counts == {"samples missing": 1}


def counter(*looks: tuple[float, float]) -> tuple[Ledger, Faults]:
    faults = Faults()
    ledger = Ledger(COUNTING, faults=faults, idle_power_w=0.0)
    for at_s, counter_j in looks:
        ledger.add(Sample(at_s, power_w=10.0, counter_j=counter_j))
    return ledger, faults


def test_a_counter_that_began_anew_makes_the_window_across_unknown():
    before = [(k * PERIOD_S, 100.0 + k) for k in range(20)]
    after = [(2.0 + k * PERIOD_S, float(k)) for k in range(20)]
    ledger, faults = counter(*before, *after)
    assert ledger.spent(0.5, 1.5).gross_j == pytest.approx(10.0)
    assert not ledger.spent(1.0, 3.0).known
    assert ledger.spent(2.2, 3.2).gross_j == pytest.approx(10.0)
    assert faults.counts == {"counter fell or jumped": 1}


def test_a_counter_that_stood_still_makes_that_time_unknown_and_not_zero():
    moving = [(k * PERIOD_S, 100.0 + k) for k in range(20)]
    standing = [(2.0 + k * PERIOD_S, 119.0) for k in range(20)]
    ledger, _ = counter(*moving, *standing)
    assert not ledger.spent(2.0, 3.9).known
    assert math.isnan(ledger.reading(3.9).energy_j)
    again, faults = counter(
        *moving, *standing, *((4.0 + k * PERIOD_S, 130.0 + k) for k in range(9))
    )
    assert not again.spent(1.0, 4.5).known
    assert again.spent(4.1, 4.6).known
    assert faults.counts == {"counter stood still": 1}


@given(truth=truths(), window=st.tuples(st.floats(1.0, 3.0), st.floats(3.01, 6.0)))
def test_a_counter_that_is_looked_at_seldom_is_within_its_bound(truth, window):
    info = SensorInfo("test", "a board", period_s=1.0, resolution_j=STEP_J)
    ledger = Ledger(info, faults=Faults(), idle_power_w=0.0)
    for look in range(1, 100):
        at_s = look * PERIOD_S
        counted = truth.energy_j(at_s) if look % 10 == 0 else math.nan
        power_w = truth.mean_w(at_s - PERIOD_S, at_s)
        ledger.add(Sample(at_s, power_w=power_w, counter_j=counted))
    spent = ledger.spent(window[0], sum(window))
    true_j = truth.energy_j(sum(window)) - truth.energy_j(window[0])
    assert abs(spent.gross_j - true_j) <= spent.error_j


def test_between_two_looks_at_the_counter_power_carries_it_on():
    ledger = Ledger(SensorInfo("test", "a board", 1.0, STEP_J), faults=Faults())
    for at_s, power_w, counter_j in ((0.0, 10.0, 100.0), (0.5, 30.0, math.nan)):
        ledger.add(Sample(at_s, power_w=power_w, counter_j=counter_j))
    assert ledger.reading(0.5).energy_j == pytest.approx(10.0)  # 20 W in the mean
    assert ledger.reading(0.7).energy_j == pytest.approx(16.0)
    ledger.add(Sample(1.0, power_w=30.0, counter_j=121.0))
    assert ledger.reading(1.0).energy_j == pytest.approx(21.0)


def test_a_burst_after_the_newest_look_is_within_the_bound_of_a_window_asked_at_once():
    ledger = steady(70.0, until_s=1.0, idle_power_w=0.0)
    for look in range(11, 15):
        ledger.add(Sample(look * PERIOD_S, power_w=300.0))
    for look in range(15, 30):
        ledger.add(Sample(look * PERIOD_S, power_w=70.0))
    spent = ledger.spent(2.0, 3.1)  # and 300 W since 2.9, which nobody has seen yet
    true_j = 0.9 * 70.0 + 0.2 * 300.0
    assert abs(spent.gross_j - true_j) <= spent.error_j


def test_what_may_have_happened_in_a_late_look_is_in_the_bound():
    faults = Faults()
    ledger = Ledger(POWER_ONLY, faults=faults, idle_power_w=0.0)
    for at_s, power_w in ((0.0, 700.0), (0.1, 70.0), (0.2, 70.0), (0.48, 70.0), (0.58, 70.0)):
        ledger.add(Sample(at_s, power_w=power_w))
    spent = ledger.spent(0.2, 0.58)
    true_j = 0.1 * 70.0 + 0.28 * 700.0  # a burst between two looks
    assert abs(spent.gross_j - true_j) <= spent.error_j


def test_a_counter_that_jumps_by_far_more_than_power_accounts_for_is_not_believed():
    moving = [(k * PERIOD_S, 100.0 + k) for k in range(20)]
    ledger, faults = counter(*moving, *((2.0 + k * PERIOD_S, 500.0 + k) for k in range(20)))
    assert not ledger.spent(1.0, 3.0).known
    assert faults.counts == {"counter fell or jumped": 1}


def test_energy_never_falls_when_the_counter_shows_less_than_power_made_of_it():
    ledger = Ledger(SensorInfo("test", "a board", 1.0, STEP_J), faults=Faults())
    shown_j = []
    for look in range(40):
        counter_j = 50.0 * (look // 10) if look % 10 == 0 else math.nan
        ledger.add(Sample(look * PERIOD_S, power_w=80.0, counter_j=counter_j))
        shown_j.append(ledger.reading(look * PERIOD_S).energy_j)
    assert shown_j == sorted(shown_j)


def test_idle_power_of_a_counter_in_steps_is_not_the_unluckiest_second():
    ledger = Ledger(COUNTING, faults=Faults())
    rng = random.Random(0)  # noqa: S311
    for look in range(3000):
        at_s = look * PERIOD_S + rng.uniform(0.0, 0.005)
        shown_j = 70.0 * math.floor((at_s + 0.0023) / PERIOD_S) * PERIOD_S
        ledger.add(Sample(at_s, power_w=70.0 + rng.uniform(-0.5, 0.5), counter_j=shown_j))
    assert ledger.idle_power_w == pytest.approx(70.0, abs=0.5)
    spent = ledger.spent(270.0, 290.0)
    assert abs(spent.above_idle_j) <= spent.error_j


def test_an_older_sample_is_left_out_and_counted():
    ledger, faults = counter((1.0, 5.0), (1.1, 6.0), (1.05, 99.0), (1.2, 7.0))
    assert ledger.reading(1.2).energy_j == pytest.approx(2.0)
    assert faults.counts == {"sample not newer than the last": 1}


def test_a_reading_carries_the_counter_on_and_gives_up_after_three_periods():
    ledger = steady(20.0, until_s=1.0)
    before_j, after_j = (ledger.reading(at_s).energy_j for at_s in (1.0, 1.05))
    assert after_j - before_j == pytest.approx(1.0)
    stale = ledger.reading(1.31)
    assert math.isnan(stale.power_w)
    assert stale.sample is None, "no figure of a sensor that has fallen silent stands for now"


def test_idle_power_is_the_calmest_second():
    ledger = Ledger(POWER_ONLY, faults=Faults())
    for look in range(100):
        busy = look % 30 < 15
        ledger.add(Sample(look * PERIOD_S, power_w=50.0 if busy else 8.0))
        if look < 10:
            assert math.isnan(ledger.idle_power_w)
    assert ledger.idle_power_w == pytest.approx(8.0)


def test_the_drift_of_integrated_power_against_the_counter_is_told():
    ledger = Ledger(COUNTING, faults=Faults(), idle_power_w=0.0)
    for look in range(100):
        at_s = look * PERIOD_S
        ledger.add(Sample(at_s, power_w=10.5, counter_j=10.0 * at_s))
    assert ledger.drift == pytest.approx(0.05)
    assert math.isnan(steady(20.0, until_s=9.0).drift)


def test_memory_stays_bounded():
    ledger = steady(10.0, until_s=400.0)
    assert not ledger.spent(1.0, 2.0).known
    assert ledger.spent(390.0, 399.0).known
