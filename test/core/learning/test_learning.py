# SPDX-License-Identifier: Apache-2.0
"""Estimates follow steps, forget, hold outliers, and stay within their bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning.filter import CONFIRM, Filter, Prior
from coinfer_ros.core.learning.level import Level, LevelOfWire
from coinfer_ros.core.learning.link import Link
from coinfer_ros.core.learning.margin import WINDOW, Margin
from coinfer_ros.core.learning.ratio import LARGEST, Ratio, no_correction

ONE = np.ones(1)


def level(drift=0.01) -> Filter:
    return Filter([Prior(0.0, 1.0, drift)], noise=0.1, least_noise=0.01)


def settled(value=1.0, *, count=50, noise=0.02, seed=0) -> Filter:
    subject, rng = level(), np.random.default_rng(seed)
    for _ in range(count):
        subject.observe(ONE, value + noise * rng.standard_normal())
    return subject


def test_two_coefficients_are_found_where_observations_tell_them_apart():
    subject, rng = Filter([Prior(0.0, 9.0, 0.0)] * 2, noise=0.1, least_noise=0.01), range(40)
    for k in rng:
        subject.observe(np.array([1.0, float(k % 5)]), 2.0 + 3.0 * (k % 5))
    assert subject.x == pytest.approx([2.0, 3.0], abs=0.01)


def test_an_outlier_moves_nothing_and_is_discarded_by_the_next_good_one():
    subject = settled()
    before = subject.x.copy()
    assert not subject.observe(ONE, 9.0)
    assert subject.holding
    assert subject.x == pytest.approx(before)
    subject.observe(ONE, 1.0)
    assert not subject.holding
    assert subject.x == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("to", [3.0, -1.0, 100.0])
def test_a_step_is_learnt_from_as_many_as_confirm_it(to):
    subject = settled()
    steps = [subject.observe(ONE, to) for _ in range(CONFIRM)]
    assert steps == [False] * (CONFIRM - 1) + [True]
    assert subject.x[0] == pytest.approx(to, abs=0.05 * abs(to - 1.0))


def test_outliers_on_both_sides_are_no_step():
    subject = settled()
    for sign in (1.0, -1.0) * 10:
        assert not subject.observe(ONE, 1.0 + 9.0 * sign)
    assert subject.x[0] == pytest.approx(1.0, abs=0.05)


def test_observations_of_another_kind_neither_discard_nor_confirm():
    subject = settled()
    for _ in range(CONFIRM - 1):
        subject.observe(ONE, 9.0, kind="b")
        subject.observe(ONE, 1.0)
    assert subject.holding
    assert subject.observe(ONE, 9.0, kind="b")


def test_noise_that_grows_is_found_to_be_noise():
    subject, rng = settled(), np.random.default_rng(5)
    for _ in range(100):
        subject.observe(ONE, 1.0 + rng.standard_normal())
    held, steps = 0, 0
    for _ in range(200):
        steps += subject.observe(ONE, 1.0 + rng.standard_normal())
        held += subject.holding
    # Beyond 4 deviations is one in 16,000.
    assert (held, steps) == (0, 0)


def test_what_nothing_tells_of_is_no_more_uncertain_than_at_first():
    subject = Filter([Prior(0.0, 1.0, 0.1)] * 2, noise=0.1, least_noise=0.01)
    for _ in range(10_000):
        subject.observe(np.array([1.0, 0.0]), 0.0)
    assert subject._cov[1, 1] <= 1.0 + 0.1**2


def test_what_is_old_is_forgotten():
    subject = settled(1.0, count=200)
    for _ in range(60):  # within the gate: a drift, no step
        subject.observe(ONE, 1.04)
    assert subject.x[0] == pytest.approx(1.04, abs=0.01)


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_a_coefficient_never_leaves_its_bounds(values):
    subject = Filter([Prior(0.0, 1.0, 0.1, -2.0, 3.0)], noise=0.1, least_noise=0.01)
    for value in values:
        subject.observe(ONE, value)
        assert -2.0 <= subject.x[0] <= 3.0


def test_a_ratio_tells_widths_apart_and_stays_finite():
    subject = Ratio((2, 8), 1e9)
    for _ in range(20):
        subject.observe(2.0, 1.0, bits=8, clock_hz=1e9)
    for _ in range(20):
        subject.observe(6.0, 1.0, bits=2, clock_hz=1e9)
    at = subject.correction
    assert at.factor(8, 1e9) == pytest.approx(2.0, rel=0.05)
    assert at.factor(2, 1e9) == pytest.approx(6.0, rel=0.05)
    for _ in range(50):
        subject.observe(1e9, 1.0, bits=2, clock_hz=1e9)
    assert subject.correction.factor(2, 1e9) <= math.exp(LARGEST) * (1.0 + 1e-9)


def test_a_memory_that_does_not_follow_the_clock_is_found_in_the_exponent():
    subject = Ratio((8,), 1e9)
    for k in range(60):
        clock_hz = (1e9, 0.5e9)[k % 2]
        subject.observe(1.0, 1e9 / clock_hz, bits=8, clock_hz=clock_hz)  # always as long
    assert subject.correction.factor(8, 0.5e9) == pytest.approx(0.5, rel=0.1)
    assert subject.correction.factor(8, 0.7e9) == pytest.approx(0.7, rel=0.1)


@pytest.mark.parametrize("measured", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_not_known_or_cannot_be_is_left_out(measured):
    subject = Ratio((8,), 1e9)
    subject.observe(measured, 1.0, bits=8, clock_hz=1e9)
    assert subject.correction == Ratio((8,), 1e9).correction


@given(st.floats(-4.0, 4.0), st.floats(-1.0, 1.0), st.floats(1e8, 1e10))
def test_factors_of_a_table_are_those_of_its_entries(log, exponent, clock_hz):
    at = no_correction((2, 16), 1e9)
    at = type(at)(log, exponent, at.reference_hz, at.widths, (0.1, -0.2))
    found = at.factors((2, 16), (clock_hz, math.nan))
    for row, bits in enumerate((2, 16)):
        assert found[row, 0] == pytest.approx(at.factor(bits, clock_hz), rel=1e-12)
        assert found[row, 1] == pytest.approx(at.factor(bits, math.nan), rel=1e-12)


def link(*, round_trip_s=0.01, goodput_bps=50e6, count=20, subject=None) -> Link:
    subject = subject or Link()
    for k in range(count):
        sent = (60_000, 240_000)[k % 2]
        subject.beat(round_trip_s)
        subject.transfer(sent, round_trip_s + 8.0 * sent / goodput_bps)
    return subject


@pytest.mark.parametrize("round_trip_s", [0.0005, 0.02, 0.3])
@pytest.mark.parametrize("goodput_bps", [2e6, 50e6, 900e6])
def test_beats_and_transfers_tell_round_trip_and_goodput(round_trip_s, goodput_bps):
    costs = link(round_trip_s=round_trip_s, goodput_bps=goodput_bps, count=40).costs
    for sent in (60_000, 240_000):
        truth_s = round_trip_s + 8.0 * sent / goodput_bps
        assert costs.delay_s(sent) == pytest.approx(truth_s, rel=0.05, abs=0.001)
    assert costs.round_trip_s == pytest.approx(round_trip_s, rel=0.05, abs=0.001)


@pytest.mark.parametrize("change", [{"round_trip_s": 0.1}, {"goodput_bps": 5e6}])
def test_a_link_that_changes_and_changes_back_is_followed(change):
    subject = link()
    before = subject.costs.delay_s(100_000)
    link(subject=subject, **change)
    worse = subject.costs.delay_s(100_000)
    assert worse > before + 0.08
    link(subject=subject)
    assert subject.costs.delay_s(100_000) == pytest.approx(before, rel=0.1)


def test_the_margin_covers_its_share_with_confidence():
    rng = np.random.default_rng(1)
    short = 0
    for _ in range(300):
        margin = Margin(share=0.9, step=1e-6, initial=0.0)
        for value in rng.exponential(1.0, WINDOW):
            margin.add(value)
        short += margin.estimate < -math.log(0.1)  # the exact 90th percentile
    # 5 % of 300 by the confidence, and 4 standard deviations of that count.
    assert short <= 15 + 4 * math.sqrt(300 * 0.05 * 0.95)


def test_outliers_are_left_aside_while_they_are_as_few_as_may_be_late():
    margin = Margin(share=0.9, step=0.001, initial=0.0)
    for k in range(100):
        margin.add(1.0 if k % 20 == 0 else 0.01 + 1e-4 * (k % 7))
    assert margin.estimate <= 0.012
    for _ in range(10):
        margin.add(1.0)
    assert margin.estimate == pytest.approx(1.0)


def test_a_margin_is_no_less_than_it_was_until_enough_is_known():
    margin = Margin(share=0.95, step=0.005, initial=0.02)
    margin.add(0.001)
    assert margin.estimate == pytest.approx(0.02)
    margin.add(0.1)
    assert margin.estimate == pytest.approx(0.1)
    margin.forget()
    assert margin.estimate == pytest.approx(0.1)
    for _ in range(8):
        margin.add(-0.5)
    assert margin.estimate == 0.0


@pytest.mark.parametrize(
    ("name", "value"), [("share", 0.4), ("share", 1.1), ("step", 0.0), ("initial", -1.0)]
)
def test_a_margin_out_of_its_rules_is_refused_by_name(name, value):
    with pytest.raises(InvalidInput, match=f"^{name} must be"):
        Margin(**({"share": 0.9, "step": 0.1, "initial": 0.0} | {name: value}))


def test_levels_learn_and_leave_out_what_is_not_known():
    subject = Level(initial=0.0, scale=0.01)
    for _ in range(20):
        subject.observe(0.05)
        subject.observe(math.nan)
    assert subject.estimate == pytest.approx(0.05, rel=0.05)
    wires = LevelOfWire((4, 8), (0.1, 0.01), scale=0.5)
    for _ in range(20):
        wires.observe(8, 0.02)
        wires.observe(7, 9.0)
    assert wires.estimates == pytest.approx((0.1, 0.02), rel=0.05)
