# SPDX-License-Identifier: Apache-2.0
"""A plan's clock is set while its lease is renewed, calmly, and given back at once."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.lease import LONGEST_PAUSE_S, MINUTE_S, PAUSE_S, Lease


def lease(dwell_s=0.5, most_changes=100):
    return Lease(dwell_s=dwell_s, most_changes=most_changes)


def follow(lease, now_s):
    """Do what is due, as the device node does."""
    lease.expire(now_s)
    due_hz = lease.due_hz(now_s)
    if due_hz is not None:
        lease.done(due_hz, now_s)
    return due_hz


def test_a_plans_clock_is_due_once_and_its_renewals_change_nothing():
    held = lease()
    held.renew(plan_id=1, clock_hz=1e9, lease_s=1.0, now_s=0.0)
    assert not held.in_force
    assert follow(held, 0.0) == 1e9
    assert held.in_force
    held.renew(plan_id=1, clock_hz=1e9, lease_s=1.0, now_s=0.8)
    assert follow(held, 1.5) is None


def test_a_lease_that_ends_gives_the_clock_back_at_once_and_once():
    held = lease(dwell_s=50.0)
    held.renew(plan_id=7, clock_hz=1e9, lease_s=1.0, now_s=0.0)
    follow(held, 0.0)
    assert held.expire(0.99) is None
    assert held.expire(1.0) == 7
    assert math.isnan(follow(held, 1.0))
    assert follow(held, 1.1) is None
    assert held.plan_id == 0


def test_of_several_wishes_within_the_dwell_time_the_newest_is_set():
    held = lease(dwell_s=0.5)
    for plan_id, clock_hz in enumerate((1e9, 2e9, 3e9), 1):
        held.renew(plan_id=plan_id, clock_hz=clock_hz, lease_s=9.0, now_s=0.0)
        follow(held, 0.0)
    assert follow(held, 0.49) is None
    assert follow(held, 0.5) == 3e9


def test_a_wish_that_is_taken_back_meanwhile_changes_nothing():
    held = lease(dwell_s=0.5)
    for clock_hz in (1e9, 2e9, 1e9):
        held.renew(plan_id=1, clock_hz=clock_hz, lease_s=9.0, now_s=0.0)
        follow(held, 0.0)
    assert follow(held, 5.0) is None


def test_a_plan_without_a_clock_gives_it_back():
    held = lease()
    held.renew(plan_id=1, clock_hz=1e9, lease_s=9.0, now_s=0.0)
    follow(held, 0.0)
    held.renew(plan_id=2, clock_hz=math.nan, lease_s=9.0, now_s=0.1)
    assert math.isnan(follow(held, 0.1))
    assert held.plan_id == 2


def test_what_the_hardware_refused_is_due_again_after_a_pause():
    held = lease()
    held.renew(plan_id=1, clock_hz=1e9, lease_s=9.0, now_s=0.0)
    assert held.due_hz(0.0) == 1e9
    held.failed(0.0)
    assert held.due_hz(PAUSE_S - 0.01) is None
    assert held.due_hz(PAUSE_S) == 1e9
    assert not held.in_force


def test_what_is_refused_again_and_again_is_tried_ever_more_seldom():
    held, now_s, tried_s = lease(), 0.0, []
    held.renew(plan_id=1, clock_hz=1e9, lease_s=1e9, now_s=0.0)
    while now_s < 600.0:
        if held.due_hz(now_s) is not None:
            tried_s.append(now_s)
            held.failed(now_s)
        now_s += 0.5
    assert len(tried_s) < 20
    assert max(b - a for a, b in itertools.pairwise(tried_s)) <= LONGEST_PAUSE_S + 0.5


def test_a_clock_is_given_back_at_once_also_while_another_could_not_be_set():
    held = lease(dwell_s=0.0)
    held.renew(plan_id=1, clock_hz=1e9, lease_s=1.0, now_s=0.0)
    follow(held, 0.0)
    held.renew(plan_id=2, clock_hz=2e9, lease_s=1.0, now_s=0.5)
    for now_s in (0.5, 1.4):
        held.failed(now_s)
    assert held.expire(1.5) == 2
    assert math.isnan(held.due_hz(1.5))
    held.failed(1.5)  # nor could that be done
    assert held.due_hz(1.6) is None
    assert math.isnan(held.due_hz(1.5 + PAUSE_S))


def test_what_the_hardware_has_forgotten_is_due_again_at_the_pace_of_changes():
    held = lease(dwell_s=0.5)
    held.renew(plan_id=1, clock_hz=1e9, lease_s=9.0, now_s=0.0)
    follow(held, 0.0)
    held.lost()
    assert not held.in_force
    assert held.due_hz(0.4) is None
    assert follow(held, 0.5) == 1e9
    assert held.in_force


@given(
    most=st.integers(1, 10),
    dwell_s=st.floats(0.0, 5.0),
    steps=st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(1, 4)), max_size=80),
)
def test_no_minute_has_more_changes_and_no_two_are_nearer_than_the_dwell_time(most, dwell_s, steps):
    held, now_s, changes_s = lease(dwell_s, most), 0.0, []
    for wait_s, clock in steps:
        now_s += wait_s
        held.renew(plan_id=1, clock_hz=clock * 1e9, lease_s=1e9, now_s=now_s)
        if follow(held, now_s) is not None:
            changes_s.append(now_s)
    gaps = [b - a for a, b in itertools.pairwise(changes_s)]
    assert all(gap >= dwell_s for gap in gaps)
    within = zip(changes_s, changes_s[most:], strict=False)
    assert all(after - before >= MINUTE_S for before, after in within)


@pytest.mark.parametrize("most", [1, 3])
def test_another_pace_counts_from_now_on(most):
    held = lease(dwell_s=10.0, most_changes=most)
    held.renew(plan_id=1, clock_hz=1e9, lease_s=99.0, now_s=0.0)
    follow(held, 0.0)
    held.renew(plan_id=2, clock_hz=2e9, lease_s=99.0, now_s=1.0)
    assert follow(held, 1.0) is None
    held.pace(dwell_s=0.0, most_changes=100)
    assert follow(held, 1.0) == 2e9
