# SPDX-License-Identifier: Apache-2.0
"""A clock that is not the one asked for is named, once it has had its time."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.achieved import Achieved
from coinfer_ros.core.ports import ClockReading

WORKING, RESTING = 0.9, 0.0


def judged(hz, load=WORKING, throttle="", *, after_s=1.0, requested_hz=1e9):
    achieved = Achieved(tolerance=0.03, settle_s=0.5)
    achieved.request(requested_hz, 10.0)
    return achieved.fault(ClockReading(hz, throttle), load, 10.0 + after_s)


@pytest.mark.parametrize("hz", [1e9, 0.98e9, 1.02e9, math.nan])
def test_a_clock_within_the_tolerance_or_not_known_is_no_fault(hz):
    assert judged(hz) == ""


def test_a_slower_or_faster_clock_is_named_with_the_reason():
    assert judged(0.6e9, throttle="power cap") == "the clock is 600 MHz and not 1000 (power cap)"
    assert judged(1.2e9) == "the clock is 1200 MHz and not 1000"


def test_it_may_take_its_time_to_settle():
    assert judged(0.6e9, after_s=0.49) == ""
    assert judged(0.6e9, after_s=0.5) != ""


def test_a_slow_clock_of_a_device_that_rests_is_no_fault_unless_it_is_throttled():
    assert judged(0.3e9, RESTING) == ""
    assert judged(0.3e9, RESTING, "thermal") != ""
    assert judged(0.3e9, math.nan) == "", "it may be at rest"
    assert judged(0.3e9, math.nan, "thermal") != ""
    assert judged(1.3e9, RESTING) != ""


def test_only_a_known_clock_holds_and_not_one_that_is_on_its_way():
    achieved = Achieved(tolerance=0.03, settle_s=0.5)
    achieved.request(1e9, 10.0)
    assert achieved.holds(ClockReading(1.01e9), WORKING)
    assert achieved.holds(ClockReading(0.3e9), RESTING)
    assert not achieved.holds(ClockReading(0.6e9), WORKING)
    assert not achieved.holds(ClockReading(1.3e9), RESTING)
    assert not achieved.holds(ClockReading(math.nan), WORKING)


def test_nothing_asked_for_is_nothing_missed():
    assert judged(0.6e9, requested_hz=math.nan) == ""
