# SPDX-License-Identifier: Apache-2.0
"""An edge's queue: the newest of each robot, in turns, refused when it cannot be in time."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import astuple
from typing import Any

import pytest

from coinfer_ros.core.admission import Pace, Queue, Request, Verdict
from coinfer_ros.core.errors import InvalidInput

START_S, EACH_S = 0.06, 0.02
ONE_S = START_S + EACH_S


def known_pace(start_s: float = START_S, each_s: float = EACH_S) -> Pace:
    pace = Pace()
    for _ in range(200):
        for size in (1, 4):
            pace.learn(size, start_s + size * each_s)
    return pace


def ask(
    robot: str,
    number: int = 1,
    *,
    at: float = 0.0,
    within: float = 10.0,
    group: Hashable = "",
) -> Request[str]:
    return Request(robot, number, at, at + within, group, f"{robot}{number}")


def queue(*, pace: Pace | None = None, **settings: int) -> Queue[str, str]:
    return Queue(**{"max_robots": 8, **settings}, pace=pace or known_pace())


def verdicts(line: Queue[str, str], *requests: Request[str]) -> list[Verdict]:
    return [line.offer(request).verdict for request in requests]


def answer_all(line: Queue[str, str], now_s: float) -> list[str]:
    """Answer until nothing waits; return what was asked, in that order, batches apart."""
    order = []
    while batch := line.take(now_s).batch:
        order.append("+".join(request.item for request in batch))
        now_s += START_S + EACH_S * len(batch)
        line.finish([request.item for request in batch], now_s=now_s)
    return order


def test_the_newest_of_a_robot_takes_the_place_of_the_one_before() -> None:
    line = queue()
    assert verdicts(line, ask("a"), ask("b")) == [Verdict.QUEUED] * 2
    admitted = line.offer(ask("a", 2))
    assert admitted.verdict is Verdict.QUEUED
    assert admitted.replaced == ask("a")
    assert (line.waiting, line.counts.replaced) == (2, 1)
    assert answer_all(line, 0.0) == ["b1", "a2"]


def test_a_further_robot_is_refused_by_the_name_of_the_setting() -> None:
    line = queue(max_robots=2)
    verdicts(line, ask("a"), ask("b"))
    refused = line.offer(ask("c"))
    assert refused.verdict is Verdict.REFUSED
    assert refused.reason == (
        "robot_id must be one of at most link.max_robots = 2 waiting, got 'c' beside them"
    )
    assert line.offer(ask("a", 2)).verdict is Verdict.QUEUED


def test_a_retry_is_counted_while_it_waits_and_while_it_runs_and_answered_again_after() -> None:
    line = queue()
    line.offer(ask("a"))
    assert line.offer(ask("a", at=0.01)).verdict is Verdict.DUPLICATE
    assert line.take(0.02).batch == (ask("a"),)
    assert line.offer(ask("a", at=0.03)).verdict is Verdict.DUPLICATE
    line.finish(["said"], now_s=0.1)
    again = line.offer(ask("a", at=0.2))
    assert (again.verdict, again.answer) == (Verdict.ANSWERED, "said")
    assert line.counts.duplicates == 3
    assert line.take(0.3).batch == ()


def test_one_number_of_two_robots_is_two_requests() -> None:
    line = queue()
    assert verdicts(line, ask("a", 7), ask("b", 7)) == [Verdict.QUEUED] * 2


def test_the_earliest_deadline_comes_first_in_one_round() -> None:
    line = queue()
    verdicts(line, ask("a", within=3.0), ask("b", within=1.0), ask("c", within=2.0))
    assert answer_all(line, 0.0) == ["b1", "c1", "a1"]


def test_who_had_its_turn_waits_for_the_next_round_whatever_its_deadline() -> None:
    line = queue()
    verdicts(line, ask("a", within=1.0), ask("b"), ask("c"))
    assert line.take(0.0).batch[0].robot_id == "a"
    line.offer(ask("a", 2, at=0.01, within=0.5))
    line.finish(["said"], now_s=ONE_S)
    assert answer_all(line, ONE_S) == ["b1", "c1", "a2"]


def test_what_cannot_be_in_time_behind_the_others_is_refused_with_both_times() -> None:
    line = queue()
    verdicts(line, *(ask(name) for name in "abc"))
    refused = line.offer(ask("d", at=0.0, within=0.2))  # earliest: it comes first of its round
    assert refused.verdict is Verdict.QUEUED
    assert line.take(0.0).batch[0].robot_id == "d"
    refused = line.offer(ask("e", at=0.02, within=0.1))
    assert refused.verdict is Verdict.REFUSED
    assert refused.reason == (
        "the edge is busy: the answer could be ready in 0.14 s at the earliest, 0.1 s are left"
    )
    assert line.counts.refused == 1


def test_who_has_to_wait_for_the_next_round_is_told_so() -> None:
    line = queue()
    verdicts(line, *(ask(name) for name in "abcd"))
    (first,) = line.take(0.0).batch
    refused = line.offer(ask(first.robot_id, 2, at=0.0, within=4.5 * ONE_S))
    assert "could be ready in 0.4 s at the earliest, 0.36 s are left" in refused.reason
    assert line.offer(ask(first.robot_id, 3, within=5.5 * ONE_S)).verdict is Verdict.QUEUED


def test_a_missed_turn_is_kept() -> None:
    line = queue()
    verdicts(line, ask("a"), ask("b", within=1.5 * ONE_S))
    assert line.take(0.0).batch[0].robot_id == "b"
    line.offer(ask("b", 2, at=0.01))
    assert line.offer(ask("c", at=0.01, within=ONE_S)).verdict is Verdict.REFUSED
    line.finish(["said"], now_s=ONE_S)
    assert answer_all(line, ONE_S)[0] == "a1"
    # A round later than those that it lost against, it comes before them.
    verdicts(line, ask("b", 3, at=1.0, within=1.0), ask("c", 2, at=1.0, within=5.0))
    assert answer_all(line, 1.0) == ["c2", "b3"]


def test_what_is_late_is_dropped_before_it_costs_the_models_time() -> None:
    line = queue()
    verdicts(line, ask("a", within=1.0), ask("b", within=1.5), ask("c"))
    line.take(0.0)
    line.finish(["said"], now_s=1.49)  # far longer than expected
    turn = line.take(1.49)
    assert [request.robot_id for request in turn.expired] == ["b"]
    assert [request.robot_id for request in turn.batch] == ["c"]
    assert line.counts.expired == 1


def test_an_idle_edge_tries_what_it_holds_for_impossible() -> None:
    line = queue(pace=known_pace(start_s=5.0))
    assert line.offer(ask("a", within=1.0)).verdict is Verdict.QUEUED
    assert line.take(0.0).batch == (ask("a", within=1.0),)
    # Beside a run it is refused; and one run after the other shows that the clock has risen.
    assert line.offer(ask("b", at=0.1, within=1.0)).verdict is Verdict.REFUSED
    for number in range(2, 4):
        line.finish(["said"], now_s=number + ONE_S)
        line.offer(ask("a", number, at=number + 0.5, within=1.0))
        assert line.take(number + 0.5).batch
    line.finish(["said"], now_s=3.5 + ONE_S)
    assert line.pace.seconds(1) < 1.0


def test_nothing_is_refused_for_its_time_before_the_first_run() -> None:
    line = queue(pace=Pace(), max_batch=4)
    verdicts(line, *(ask(name, within=0.01) for name in "abcd"))
    assert (line.waiting, line.counts.refused) == (4, 0)
    assert len(line.take(0.0).batch) == 1  # and the first run is of one


def test_only_one_group_is_answered_together() -> None:
    line = queue(max_batch=4)
    groups = {"a": 1, "b": 2, "c": 1, "d": 2}
    verdicts(line, *(ask(name, group=group) for name, group in groups.items()))
    assert answer_all(line, 0.0) == ["a1+c1", "b1+d1"]


def test_a_batch_holds_no_more_than_it_may() -> None:
    line = queue(max_batch=3)
    verdicts(line, *(ask(name) for name in "abcdefg"))
    assert answer_all(line, 0.0) == ["a1+b1+c1", "d1+e1+f1", "g1"]


def test_nobody_joins_who_would_make_a_member_late() -> None:
    line = queue(max_batch=4)
    room_for_two_s = START_S + 2.5 * EACH_S
    verdicts(line, ask("a", within=room_for_two_s), *(ask(name) for name in "bcd"))
    assert answer_all(line, 0.0) == ["a1+b1", "c1+d1"]


def test_nobody_joins_who_would_make_another_group_late() -> None:
    line = queue(max_batch=4)
    after_one_s = 2 * ONE_S + 0.5 * EACH_S
    verdicts(
        line,
        ask("a", within=0.1),
        ask("b", within=after_one_s, group="other"),
        ask("c"),
    )
    assert answer_all(line, 0.0) == ["a1", "b1", "c1"]


def test_nobody_joins_before_one_of_an_earlier_round() -> None:
    line = queue(max_batch=4)
    verdicts(line, ask("a", within=1.0), ask("b"), ask("c", group="other"))
    assert [request.robot_id for request in line.take(0.0).batch] == ["a", "b"]
    line.offer(ask("a", 2, at=0.01))
    line.offer(ask("d", at=0.01, within=1.0))
    line.finish(["said"] * 2, now_s=0.1)
    assert answer_all(line, 0.1) == ["d1", "c1", "a2"]


def test_answers_that_cost_as_much_together_are_given_one_by_one() -> None:
    line = queue(pace=known_pace(start_s=0.0, each_s=0.08), max_batch=4)
    verdicts(line, ask("a"), ask("b"))
    assert len(line.take(0.0).batch) == 1


def test_names_without_end_take_no_memory_and_known_robots_keep_their_answers() -> None:
    line = queue(max_robots=4)
    line.offer(ask("a"))
    assert answer_all(line, 0.0) == ["a1"]
    for number in range(2000):
        line.offer(ask(f"made up {number}", at=1.0))
        if number == 2:
            assert len(answer_all(line, 1.0)) == 3
    assert line.waiting == 4
    assert len(line._rounds) <= 8
    assert line.offer(ask("a", at=1.0)).answer == "a1"


def test_new_names_take_no_more_turns_of_a_round_than_there_are_places() -> None:
    line = queue(max_robots=2)
    verdicts(line, ask("a"), ask("b"))
    assert answer_all(line, 0.0) == ["a1", "b1"]
    line.offer(ask("a", 2, at=1.0, within=100.0))
    before = 0
    for number in range(9):
        now_s = 1.0 + number
        line.offer(ask(f"made up {number}", at=now_s, within=1.0))
        (taken,) = line.take(now_s).batch
        line.finish(["said"], now_s=now_s + ONE_S)
        if taken.robot_id == "a":
            break
        before += 1
    assert before == 2


def test_a_failure_says_nothing_of_the_pace() -> None:
    line = queue()
    before = line.pace.seconds(1)
    line.offer(ask("a"))
    line.take(0.0)
    line.finish(["failed"], now_s=3.0, ran=0)
    assert line.pace.seconds(1) == before
    assert line.counts.answered == 1


def test_a_batch_is_finished_once_with_an_answer_each() -> None:
    line = queue()
    line.offer(ask("a"))
    line.take(0.0)
    with pytest.raises(InvalidInput, match="a batch must be finished before the next is taken"):
        line.take(0.1)
    with pytest.raises(InvalidInput, match="answers must be 1, got 2"):
        line.finish(["said", "said"], now_s=0.1)
    line.finish(["said"], now_s=0.1)
    with pytest.raises(InvalidInput, match="answers must be 0, got 1"):
        line.finish(["said"], now_s=0.2)
    assert astuple(line.counts) == (1, 1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"robot": ""}, "robot_id must be text, not empty"),
        ({"number": -1}, "request_id must be a whole number"),
        ({"number": 2**64}, "request_id must be a whole number"),
        ({"at": float("nan")}, "arrived_s must be a finite number"),
        ({"within": 0.0}, "deadline_s must be above"),
        ({"within": float("inf")}, "deadline_s must be"),
    ],
)
def test_what_is_no_request_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        ask(**{"robot": "a", **changes})


@pytest.mark.parametrize("settings", [{"max_robots": 0}, {"max_batch": 0}])
def test_a_queue_without_room_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match=r"(link\.max_robots|max_batch) must be a whole number"):
        queue(**settings)
