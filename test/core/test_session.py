# SPDX-License-Identifier: Apache-2.0
"""A request ends in exactly one way, whatever arrives and whenever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import EdgeBeat, EdgeWatch
from coinfer_ros.core.session import Session, Step, Verdict


def answer(session, request_id, *, now_s, robot_id="a", fingerprint="m", refused=False):
    return session.result(
        robot_id=robot_id,
        request_id=request_id,
        fingerprint=fingerprint,
        refused=refused,
        now_s=now_s,
    )


def begun(timeout_s=1.0):
    session = Session("a", "m", last_id=10)
    return session, session.begin(now_s=0.0, timeout_s=timeout_s, plan_id=3)


def test_a_result_in_time_is_accepted_once():
    session, request = begun()
    assert request.request_id == 11
    assert answer(session, 11, now_s=1.0) is Verdict.ACCEPT
    assert answer(session, 11, now_s=1.0) is Verdict.LATE_OR_TWICE
    assert (session.counters.answered, session.counters.results_dropped) == (1, 1)


def test_a_refusal_ends_the_request_and_is_counted_as_such():
    session, _ = begun()
    assert answer(session, 11, now_s=0.5, refused=True) is Verdict.ACCEPT
    assert (session.counters.answered, session.counters.refused) == (0, 1)


def test_a_late_result_is_dropped_and_the_request_expires():
    session, request = begun()
    assert answer(session, 11, now_s=1.01) is Verdict.LATE_OR_TWICE
    assert session.expire(1.01) == request
    assert session.expire(1.02) is None
    assert (session.counters.late, session.counters.results_dropped) == (1, 1)


def test_another_robots_result_is_left_alone_and_another_models_is_counted():
    session, _ = begun()
    assert answer(session, 11, now_s=0.1, robot_id="b") is Verdict.FOREIGN
    assert session.counters.results_dropped == 0
    assert answer(session, 11, now_s=0.1, fingerprint="x") is Verdict.FOREIGN
    assert session.counters.results_dropped == 1
    assert session.in_flight is not None


def test_a_second_request_waits_for_the_first_to_end():
    session, _ = begun()
    with pytest.raises(InvalidInput, match="request 11 must end"):
        session.begin(now_s=0.1, timeout_s=1.0, plan_id=3)
    session.abandon()
    assert session.begin(now_s=0.1, timeout_s=1.0, plan_id=3).request_id == 12


@given(
    st.lists(
        st.tuples(st.sampled_from(["begin", "result", "old", "expire"]), st.floats(0.0, 2.0)),
        max_size=60,
    )
)
def test_every_request_that_ends_is_counted_exactly_once(events):
    session, now_s, started = Session("a", "m"), 0.0, 0
    for event, step_s in events:
        now_s += step_s
        current = session.in_flight
        if event == "begin" and current is None:
            session.begin(now_s=now_s, timeout_s=1.0, plan_id=1)
            started += 1
        elif event == "expire":
            session.expire(now_s)
        elif event in ("result", "old"):
            answer(session, session.last_id - (event == "old"), now_s=now_s)
    counters = session.counters
    waiting = session.in_flight is not None
    assert counters.answered + counters.refused + counters.late + waiting == started


class Waiting:
    """A request that was sent at 0 s to an edge that is heard as a test says."""

    def __init__(self, timeout_s=2.0, retries=2):
        self.session, self.request = begun(timeout_s)
        self.edge, self.retries = EdgeWatch("e", silence_s=0.6), retries
        self.hear(0.0, life=1)
        self.session.sent(now_s=0.0, life=1)

    def hear(self, now_s, *, life=1, request=0, ready=True):
        beat = EdgeBeat(life, ready, "" if ready else "warming up", request=request)
        self.edge.heard(beat, now_s)

    def step(self, now_s):
        return self.session.step(self.edge, now_s=now_s, retries=self.retries)


def test_a_request_waits_while_its_edge_is_alive_and_knows_it():
    waiting = Waiting()
    for tenth in range(1, 20):
        waiting.hear(tenth / 10, request=11)
        assert waiting.step(tenth / 10) is Step.WAIT
    assert waiting.step(2.01) is Step.GIVE_UP


def test_it_is_given_up_within_the_silence_when_nothing_is_heard_of_the_edge():
    waiting = Waiting()
    assert waiting.step(0.59) is Step.WAIT
    assert waiting.step(0.61) is Step.GIVE_UP


def test_it_is_sent_again_when_the_edge_was_heard_and_does_not_know_it():
    waiting = Waiting()
    waiting.hear(0.1)  # too soon to have seen it
    assert waiting.step(0.1) is Step.WAIT
    waiting.hear(0.3)
    assert waiting.step(0.3) is Step.SEND_AGAIN
    waiting.session.sent(now_s=0.3, life=1)
    assert waiting.step(0.35) is Step.WAIT
    assert waiting.session.counters.retries == 1


def test_it_is_sent_again_at_once_when_the_edge_began_anew_and_is_ready():
    waiting = Waiting()
    waiting.hear(0.1, life=2, ready=False)
    assert waiting.step(0.1) is Step.WAIT
    waiting.hear(0.15, life=2)
    assert waiting.step(0.15) is Step.SEND_AGAIN


def test_it_is_sent_no_more_than_so_often_nor_when_it_could_not_make_it():
    waiting = Waiting(retries=1)
    waiting.session.sent(now_s=0.1, life=1)
    waiting.hear(0.5)
    assert waiting.step(0.5) is Step.WAIT
    late = Waiting(timeout_s=1.0)
    late.session._waits_s.append(0.9)  # what answers usually take
    late.hear(0.5)
    assert late.step(0.5) is Step.WAIT


def test_a_long_way_is_no_loss():
    waiting = Waiting()
    for _ in range(5):
        waiting.session.took(0.4)
    waiting.hear(0.5)
    assert waiting.step(0.5) is Step.WAIT
    waiting.hear(0.9)
    assert waiting.step(0.9) is Step.SEND_AGAIN


def test_a_request_that_is_taken_back_is_counted_apart_and_its_result_dropped():
    session, _ = begun()
    session.cancel()
    assert answer(session, 11, now_s=0.5) is Verdict.LATE_OR_TWICE
    assert (session.counters.cancelled, session.counters.late) == (1, 0)
