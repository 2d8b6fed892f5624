# SPDX-License-Identifier: Apache-2.0
"""What a link does to messages, in closed form and for any traffic."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.message_link import MOST_UNDER_WAY, MessageImpairment, OneWay

KBIT_BYTES = 125


def one_way(**impairment):
    return OneWay(MessageImpairment(**impairment))


def stream_of(way, *, depth=1, reliable=True, seed=0):
    return way.stream(depth=depth, reliable=reliable, rng=np.random.default_rng(seed))


def arrivals(way, *, from_s=-math.inf):
    """Return what arrives, by the time at which it is looked for as the link asks."""
    found, now_s = {}, from_s
    while (now_s := max(way.next_s(now_s), now_s)) < math.inf:
        found.update(dict.fromkeys(way.arrived(now_s), now_s))
    return found


def test_without_an_impairment_a_message_arrives_at_once_and_only_once():
    way = one_way()
    way.send(stream_of(way), "a", size_bytes=10**6, now_s=3.0)
    assert way.arrived(3.0) == ["a"]
    assert way.arrived(4.0) == []
    assert way.next_s(4.0) == math.inf


def test_a_message_takes_its_bits_and_the_delay_and_waits_for_those_before_it_of_any_topic():
    way = one_way(delay_s=0.1, goodput_bps=1e3)
    first, second = stream_of(way), stream_of(way)
    way.send(first, "a", size_bytes=KBIT_BYTES, now_s=0.0)
    way.send(second, "b", size_bytes=2 * KBIT_BYTES, now_s=0.5)
    assert arrivals(way) == pytest.approx({"a": 1.1, "b": 3.1})
    way.send(first, "c", size_bytes=KBIT_BYTES, now_s=10.0)
    assert arrivals(way) == pytest.approx({"c": 11.1})


def test_of_those_that_wait_for_their_turn_the_newest_of_a_topic_win_as_many_as_its_depth():
    way = one_way(goodput_bps=1e3)
    newest, all_of_them = stream_of(way), stream_of(way, depth=9)
    for number in range(4):
        way.send(newest, f"n{number}", size_bytes=KBIT_BYTES, now_s=0.0)
        way.send(all_of_them, f"a{number}", size_bytes=KBIT_BYTES, now_s=0.0)
    # The first of all is on its way and cannot be taken back.
    assert list(arrivals(way)) == ["n0", "a0", "a1", "a2", "n3", "a3"]
    assert way.counts.replaced == 2
    assert way.counts.passed == 6


def test_each_writer_of_a_topic_has_a_history_of_its_own():
    way = one_way(goodput_bps=1e3)
    stream = stream_of(way)
    for number in range(4):
        way.send(stream, number, size_bytes=KBIT_BYTES, now_s=0.0, writers=2)
    assert list(arrivals(way)) == [0, 2, 3]


def test_jitter_keeps_the_order_of_a_topic():
    way = one_way(delay_s=1.0, jitter_s=0.2)
    stream = stream_of(way)
    for number in range(MOST_UNDER_WAY):
        way.send(stream, number, size_bytes=1, now_s=0.0)
    found = arrivals(way)
    assert list(found) == list(range(MOST_UNDER_WAY))
    assert min(found.values()) >= 1.0


def test_the_mean_and_spread_of_jitter_are_those_of_its_law():
    way = one_way(jitter_s=0.2)
    stream, count = stream_of(way, seed=5), 4000
    taken_s = []
    for number in range(count):
        way.send(stream, number, size_bytes=1, now_s=100.0 * number)
        taken_s.append(arrivals(way)[number] - 100.0 * number)
    # Five standard errors; mean and standard deviation of an exponential law are equal.
    assert np.mean(taken_s) == pytest.approx(0.2, abs=5 * 0.2 / math.sqrt(count))
    assert np.std(taken_s) == pytest.approx(0.2, abs=5 * 0.2 * math.sqrt(2.0 / count))


def test_the_share_of_lost_messages_is_what_was_asked_and_the_same_seed_loses_the_same():
    def passed(seed, count=4000, **impairment):
        way = one_way(lost=0.1, **impairment)
        stream = stream_of(way, seed=seed)
        found = []
        for number in range(count):
            way.send(stream, number, size_bytes=1, now_s=float(number))
            found += way.arrived(number + 0.5)
        assert way.counts.sent == way.counts.passed + way.counts.lost + way.held
        return set(found)

    once = passed(7)
    five_errors = 5 * math.sqrt(4000 * 0.1 * 0.9)
    assert len(once) == pytest.approx(3600, abs=five_errors)
    assert passed(7) == once != passed(8)
    assert passed(7, goodput_bps=1e9) == once


def test_a_lost_message_takes_its_turn_all_the_same():
    way = one_way(lost=1.0, goodput_bps=1e3)
    stream = stream_of(way)
    way.send(stream, "a", size_bytes=KBIT_BYTES, now_s=0.0)
    way.impairment = MessageImpairment(goodput_bps=1e3)
    way.send(stream, "b", size_bytes=KBIT_BYTES, now_s=0.0)
    assert arrivals(way) == pytest.approx({"b": 2.0})


def test_in_an_outage_reliable_topics_keep_their_newest_and_others_lose_all():
    way = one_way(delay_s=1.0, gone_from_s=10.0, gone_until_s=20.0)
    reliable, beats = stream_of(way), stream_of(way, reliable=False)
    for at_s in (8.5, 9.5, 12.0, 14.0):  # in time; under way as it breaks; twice while it is gone
        way.send(reliable, f"r{at_s:g}", size_bytes=1, now_s=at_s)
        way.send(beats, f"b{at_s:g}", size_bytes=1, now_s=at_s)
        if at_s == 9.5:
            assert way.arrived(at_s) == ["r8.5", "b8.5"]
    assert way.arrived(15.0) == []
    assert arrivals(way, from_s=15.0) == pytest.approx({"r9.5": 20.0, "r14": 21.0})
    assert way.counts.replaced == 1  # r12
    assert way.counts.cut_off == 3


def test_an_outage_by_hand_has_no_end_until_it_is_ended():
    way = one_way()
    stream = stream_of(way)
    way.impairment = MessageImpairment(gone_from_s=-math.inf, gone_until_s=math.inf)
    way.send(stream, "a", size_bytes=1, now_s=1.0)
    assert way.next_s(1.0) == math.inf
    way.impairment = MessageImpairment()
    assert way.arrived(5.0) == ["a"]


def test_no_topic_has_more_under_way_than_there_is_room_for():
    way = one_way(delay_s=10.0)
    stream = stream_of(way)
    for number in range(MOST_UNDER_WAY + 5):
        way.send(stream, number, size_bytes=1, now_s=0.0)
    assert list(arrivals(way)) == list(range(5, MOST_UNDER_WAY + 5))
    assert way.counts.replaced == 5


@given(
    st.lists(st.tuples(st.integers(0, 2), st.floats(0.0, 0.3), st.integers(1, 500)), max_size=60),
    st.floats(0.0, 0.5),
    st.floats(0.0, 1.0),
    st.sampled_from([math.inf, 1e3, 1e5]),
)
def test_whatever_is_sent_each_topic_keeps_its_order_and_every_message_is_accounted_for(
    traffic, jitter_s, lost, goodput_bps
):
    way = one_way(
        delay_s=0.05,
        jitter_s=jitter_s,
        lost=lost,
        goodput_bps=goodput_bps,
        gone_from_s=1.0,
        gone_until_s=2.0,
    )
    streams = [stream_of(way, depth=d + 1, reliable=d != 1, seed=d) for d in range(3)]
    found, now_s = [], 0.0
    for number, (place, pause_s, size_bytes) in enumerate(traffic):
        now_s += pause_s
        way.send(streams[place], (place, number), size_bytes=size_bytes, now_s=now_s)
        found += way.arrived(now_s)
    found += arrivals(way)
    for place in range(3):
        numbers = [number for where, number in found if where == place]
        assert numbers == sorted(set(numbers))
    counts = way.counts
    assert counts.sent == len(traffic)
    assert counts.passed == len(found)
    assert counts.sent == counts.passed + counts.lost + counts.replaced + counts.cut_off
    assert way.held == 0


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"delay_s": -0.1}, "delay_s must be a finite number of at least 0 s, got -0.1"),
        ({"jitter_s": math.nan}, "jitter_s must be .*, got nan"),
        ({"lost": 1.5}, r"lost must be in \[0.0, 1.0\], got 1.5"),
        ({"goodput_bps": 0.0}, "goodput_bps must be above 0 bit/s, got 0.0"),
        ({"gone_from_s": 2.0, "gone_until_s": 1.0}, "gone_until_s must be at least gone_from_s"),
    ],
)
def test_what_no_link_is_like_is_refused(wrong, rule):
    with pytest.raises(InvalidInput, match=rule):
        MessageImpairment(**wrong)
