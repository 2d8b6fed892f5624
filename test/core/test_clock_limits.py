# SPDX-License-Identifier: Apache-2.0
"""Plans are made with the clocks that a device was seen to reach."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.clock_limits import ALL, HOLD_S, LONGEST_HOLD_S, Band, ClockLimits, Seen


def seen(requested_hz=1e9, achieved_hz=1e9, message="", *, plan_id=1, load=0.9, planned_hz=1e9):
    return Seen(plan_id, message, planned_hz, requested_hz, achieved_hz, default_hz=2e9, load=load)


THROTTLED = seen(achieved_hz=0.6e9, message="the clock is 600 MHz and not 1000 (power cap)")


def test_a_throttled_device_is_planned_at_what_it_reaches_and_no_more():
    assert ClockLimits().observe(THROTTLED, 0.0) == Band(high_hz=0.6e9)


def test_a_device_that_stays_above_is_planned_no_slower():
    fast = seen(achieved_hz=1.5e9, message="the clock is 1500 MHz and not 1000")
    assert ClockLimits().observe(fast, 0.0) == Band(low_hz=1.5e9)


@pytest.mark.parametrize(
    ("achieved_hz", "load", "planned_hz"),
    [(0.8e9, 0.9, 0.8e9), (0.3e9, 0.0, 2e9), (0.3e9, math.nan, 0.3e9), (math.nan, 0.9, 2e9)],
)
def test_a_clock_that_cannot_be_set_is_planned_at_its_own(achieved_hz, load, planned_hz):
    state = seen(math.nan, achieved_hz, "not permitted", load=load)
    assert ClockLimits().observe(state, 0.0) == Band(planned_hz, planned_hz)


def test_a_device_whose_fastest_step_is_below_the_plan_is_planned_no_faster():
    slow = seen(0.9e9, 0.9e9, "its nearest step is 900 MHz", planned_hz=1.7e9)
    assert ClockLimits().observe(slow, 0.0) == Band(high_hz=0.9e9)


def test_a_clock_that_cannot_be_set_is_planned_as_under_load_and_does_not_flap_with_it():
    limits, bands = ClockLimits(), set()
    for look in range(100):
        busy = look % 10 < 5
        hz = 1.2e9 + look * 1e6 if busy else 0.3e9
        state = seen(math.nan, hz, "not permitted", load=0.9 if busy else 0.0)
        bands.add(limits.observe(state, 0.1 * look))
    assert Band(0.3e9, 0.3e9) not in bands
    assert len(bands) <= 1 + 10.0 / HOLD_S


@pytest.mark.parametrize(
    "state",
    [
        seen(),
        seen(achieved_hz=0.5e9),  # on its way: the device has not complained
        seen(achieved_hz=0.5e9, message="plan 3 ended", plan_id=0),
        seen(achieved_hz=math.nan, message="gone"),
        Seen(1, "not permitted", 1e9, math.nan, math.nan, math.nan, math.nan),
    ],
)
def test_what_says_nothing_of_a_clock_limits_nothing(state):
    assert ClockLimits().observe(state, 0.0) == ALL


def test_a_limit_holds_for_a_while_after_it_was_last_seen():
    limits = ClockLimits()
    limits.observe(THROTTLED, 0.0)
    limits.observe(THROTTLED, 3.0)
    assert limits.observe(seen(0.6e9, 0.6e9), 3.0 + HOLD_S - 0.1) != ALL
    assert limits.observe(seen(0.6e9, 0.6e9), 3.0 + HOLD_S) == ALL


def test_a_limit_that_comes_back_at_once_holds_twice_as_long_up_to_a_minute():
    limits, now_s, held_s = ClockLimits(), 0.0, []
    for _ in range(8):
        limits.observe(THROTTLED, now_s)
        begun_s = now_s
        while limits.observe(seen(0.6e9, 0.6e9), now_s) != ALL:
            now_s += 0.5
        held_s.append(now_s - begun_s)
        now_s += 0.5
    assert held_s[:4] == [HOLD_S, 2 * HOLD_S, 4 * HOLD_S, 8 * HOLD_S]
    assert held_s[-1] == LONGEST_HOLD_S
    limits.observe(THROTTLED, now_s + 500.0)  # a long time later
    assert limits.observe(seen(), now_s + 500.0 + HOLD_S) == ALL


@pytest.mark.parametrize(
    ("band", "words"),
    [
        (Band(6e8, 6e8), "600 MHz"),
        (Band(high_hz=6e8), "up to 600 MHz"),
        (Band(low_hz=6e8), "600 MHz and more"),
    ],
)
def test_a_band_says_what_it_is(band, words):
    assert str(band) == words
