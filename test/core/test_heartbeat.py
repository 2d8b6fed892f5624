# SPDX-License-Identifier: Apache-2.0
"""Heartbeats tell life, readiness and distance; holds and roll calls stay bounded."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import EdgeBeat, EdgeWatch, RoundTrips
from coinfer_ros.core.holds import MOST_HOLDERS, Grant, Holds
from coinfer_ros.core.roll_call import PRESENT_S, RollCall

READY = EdgeBeat(life=7, ready=True, reason="")


def watch() -> EdgeWatch:
    return EdgeWatch("e", silence_s=0.6)


def test_an_edge_is_of_use_once_it_was_heard_and_gone_after_its_silence():
    subject = watch()
    assert subject.trouble(0.0) == "edge 'e' has not been heard yet"
    subject.heard(READY, 1.0)
    assert subject.trouble(1.5) == ""
    assert subject.trouble(1.7) == "edge 'e' has been silent for 0.7 s"
    subject.heard(READY, 9.0)
    assert subject.trouble(9.1) == ""


def test_life_is_apart_from_readiness():
    subject = watch()
    subject.heard(dataclasses.replace(READY, ready=False, reason="warming up"), 0.0)
    assert subject.trouble(0.1) == "edge 'e': warming up"
    assert subject.matches
    subject.heard(dataclasses.replace(READY, ready=False, reason="other", matches=False), 0.2)
    assert not subject.matches


def test_a_round_trip_is_what_the_edge_did_not_hold():
    subject = RoundTrips()
    subject.sent(1, 10.0)
    subject.echoed(1, held_s=0.15, now_s=10.2)
    assert subject.take_median() == pytest.approx(0.05)
    assert math.isnan(subject.take_median())
    assert subject.p95_s == pytest.approx(0.05)


@pytest.mark.parametrize("held_s", [-0.1, 0.3, math.nan, math.inf])
def test_an_echo_that_cannot_be_is_left_out(held_s):
    subject = RoundTrips()
    subject.sent(1, 10.0)
    subject.echoed(1, held_s=held_s, now_s=10.2)
    subject.echoed(2, held_s=0.0, now_s=10.2)
    assert math.isnan(subject.take_median())


def test_beats_that_are_never_echoed_cost_no_memory():
    subject = RoundTrips()
    for beat in range(10_000):
        subject.sent(beat, float(beat))
    assert len(subject._sent_s) <= 100
    subject.echoed(5, held_s=0.0, now_s=1e4)  # forgotten
    assert math.isnan(subject.p95_s)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.sampled_from([1e9, 2e9, math.nan]), st.floats(0.1, 2.0)
        ),
        max_size=30,
    )
)
def test_the_clock_is_the_fastest_that_anyone_still_holds(events):
    holds, now_s, wished = Holds(), 0.0, {}
    for holder, clock_hz, step_s in events:
        now_s += step_s
        holds.expire(now_s)
        wished = {name: (hz, end) for name, (hz, end) in wished.items() if end > now_s}
        holds.renew(Grant(holder, 1, clock_hz, now_s + 1.5))
        wished[holder] = (clock_hz, now_s + 1.5)
        known = [hz for hz, _ in wished.values() if not math.isnan(hz)]
        top = holds.top()
        assert (top.clock_hz == max(known)) if known else math.isnan(top.clock_hz)
        assert len(holds) == len(wished)


def test_a_flood_of_holders_is_refused_and_those_that_hold_go_on():
    holds = Holds()
    for number in range(MOST_HOLDERS):
        holds.renew(Grant(str(number), 1, 1e9, 10.0))
    with pytest.raises(InvalidInput, match=r"^robot_id must be one of at most 1000"):
        holds.renew(Grant("one more", 1, 9e9, 10.0))
    holds.renew(Grant("3", 2, 2e9, 10.0))
    assert holds.top().holder == "3"


def test_a_roll_call_echoes_the_newest_of_each_and_forgets_who_is_silent():
    roll = RollCall(2)
    roll.beat("a", 1, 0.0)
    roll.request("a", 50, 0.1)
    roll.beat("a", 2, 0.2)
    roll.beat("b", 9, 1.0)
    [(first, heard), (second, _)] = roll.present(1.0)
    assert (first, heard.beat, heard.request, second) == ("a", 2, 50, "b")
    assert [name for name, _ in roll.present(0.3 + PRESENT_S)] == ["b"]
    for number in range(1000):
        roll.beat(f"flood{number}", 1, 2.0)
    assert len(roll.present(2.0)) == 2
