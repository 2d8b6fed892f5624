# SPDX-License-Identifier: Apache-2.0
"""A request ends in exactly one way, whatever arrives and whenever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.session import Session, Verdict


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
