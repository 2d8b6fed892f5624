# SPDX-License-Identifier: Apache-2.0
"""Whatever arrives and whenever: all is counted, nothing is answered twice and nobody starves."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.admission import Pace, Queue, Request, Verdict

pytestmark = pytest.mark.slow
ONE_S = 1.0
ROBOTS = tuple("abcdef")


def known_pace(start_s: float, each_s: float) -> Pace:
    pace = Pace()
    for _ in range(300):
        for size in (1, 3):
            pace.learn(size, start_s + each_s * size)
    return pace


def batch_s(size: int) -> float:
    return 0.75 * ONE_S + 0.25 * ONE_S * size


@dataclass
class World:
    """A queue between robots that do anything and an edge that keeps its pace, and what it saw."""

    max_robots: int = len(ROBOTS)
    max_batch: int = 1
    now_s: float = 0.0
    numbers: Counter[str] = field(default_factory=Counter)
    newest: dict[str, int] = field(default_factory=dict)
    answered: list[tuple[str, int]] = field(default_factory=list)
    waits: dict[str, Counter[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.queue: Queue[int, tuple[str, int]] = Queue(
            max_robots=self.max_robots,
            max_batch=self.max_batch,
            pace=known_pace(0.75 * ONE_S, 0.25 * ONE_S),
        )
        self.batch: tuple[Request[int], ...] = ()
        self.free_s = 0.0

    def ask(self, robot: str, within_s: float, *, group: int = 0, again: bool = False) -> None:
        self.numbers[robot] += not (again and self.numbers[robot])
        number = self.numbers[robot]
        admitted = self.queue.offer(
            Request(robot, number, self.now_s, self.now_s + within_s, group, number)
        )
        was_answered = (robot, number) in self.answered
        assert (admitted.verdict is Verdict.ANSWERED) == was_answered
        if admitted.verdict is Verdict.ANSWERED:
            assert admitted.answer == (robot, number)
        if admitted.verdict is Verdict.QUEUED:
            self.newest[robot] = number
            self.waits.setdefault(robot, Counter())
        elif admitted.replaced:
            del self.newest[robot], self.waits[robot]
        assert bool(admitted.reason) == (admitted.verdict is Verdict.REFUSED)
        self.check()

    def pass_time(self, until_s: float) -> None:
        """Let the edge work until then."""
        while self.free_s <= until_s:
            self.now_s = max(self.now_s, self.free_s)
            self.finish()
            if not self.begin():
                break
        self.now_s = max(self.now_s, until_s)

    def begin(self) -> bool:
        turn = self.queue.take(self.now_s)
        self.batch = turn.batch
        for request in (*turn.batch, *turn.expired):
            assert self.newest.pop(request.robot_id) == request.request_id  # the newest wins
            del self.waits[request.robot_id]
        self.check_batch()
        for waits in self.waits.values():
            waits.update(request.robot_id for request in self.batch)
        self.free_s = self.now_s + batch_s(len(self.batch))
        self.check()
        return bool(self.batch)

    def finish(self) -> None:
        if self.batch:
            keys = [request.key for request in self.batch]
            assert not set(keys) & set(self.answered)
            self.answered += keys
            self.queue.finish(keys, now_s=self.now_s)
            self.batch = ()
            self.check()

    def check_batch(self) -> None:
        assert len(self.batch) <= self.max_batch
        assert len({request.group for request in self.batch}) <= 1
        assert len({request.robot_id for request in self.batch}) == len(self.batch)
        done_s = self.now_s + batch_s(len(self.batch)) - 1e-6
        alone = len(self.batch) == 1  # what an idle edge tries may be late
        assert alone or all(request.deadline_s >= done_s for request in self.batch)

    def check(self) -> None:
        counts, queue = self.queue.counts, self.queue
        ended = counts.answered + counts.replaced + counts.expired + counts.refused
        assert counts.arrived == ended + counts.duplicates + queue.waiting + queue.running
        assert queue.waiting == len(self.newest) <= self.max_robots
        assert queue.running == len(self.batch)
        assert counts.answered == len(self.answered)
        # While one waits no other robot has three turns: its own this round and the next.
        assert all(turns <= 2 for waits in self.waits.values() for turns in waits.values())


steps = st.tuples(
    st.sampled_from(ROBOTS),
    st.sampled_from([0.3, 1.1, 2.5, 6.0, 30.0]),  # patience
    st.sampled_from([0, 0, 0, 1]),  # group
    st.booleans(),  # a retry
    st.sampled_from([0.0, 0.0, 0.1, 0.9, 3.0]),  # time until the next
)


@given(st.lists(steps, max_size=80), st.integers(1, 6), st.integers(1, 3))
def test_all_is_counted_once_and_nobody_waits_for_a_third_turn_of_another(
    asked: list[tuple[str, float, int, bool, float]], max_robots: int, max_batch: int
) -> None:
    world = World(max_robots=max(max_robots, 1), max_batch=max_batch)
    # Beyond max_robots answers are forgotten; what is said of them is said of so many robots.
    for robot, within_s, group, again, pause_s in asked:
        name = ROBOTS[ROBOTS.index(robot) % max_robots]
        world.ask(name, within_s, group=group, again=again)
        if not world.batch:
            world.begin()
        world.pass_time(world.now_s + pause_s)
    world.pass_time(world.now_s + 100.0)
    assert world.queue.waiting == world.queue.running == 0


patience = st.lists(st.sampled_from([2.2, 3.0, 5.0, 8.0, 50.0]), min_size=2, max_size=6)


@settings(max_examples=60)
@given(patience, st.integers(1, 3), st.data())
def test_of_robots_that_wait_without_pause_none_has_two_turns_more(
    patience_s: list[float], max_batch: int, data: st.DataObject
) -> None:
    world = World(max_batch=max_batch)
    robots = ROBOTS[: len(patience_s)]
    turns: Counter[str] = Counter()
    for _ in range(25):
        for robot in data.draw(st.permutations(robots)):
            if robot not in world.newest:  # at once, near deadlines or far, but none is late
                group = data.draw(st.integers(0, 1))
                world.ask(robot, 10 * len(robots) * data.draw(st.floats(1.0, 9.0)), group=group)
        world.begin()
        turns.update(request.robot_id for request in world.batch)
        assert all(abs(turns[one] - turns[other]) <= 1 for one, other in combinations(robots, 2))
        world.now_s = world.free_s
        world.finish()


@settings(max_examples=60)
@given(patience, st.data())
def test_a_robot_that_goes_on_asking_has_a_turn_within_two_rounds(
    patience_s: list[float], data: st.DataObject
) -> None:
    """Whatever its patience, two runs at least: the one that it meets and its own."""
    world = World()
    robots = dict(zip(ROBOTS, patience_s, strict=False))
    last = dict.fromkeys(robots, 0)
    for turn in range(1, 40):
        for robot in data.draw(st.permutations(list(robots))):
            world.ask(robot, robots[robot])
        if not world.batch:
            world.begin()
        world.pass_time(world.free_s - 0.1)
        for robot in data.draw(st.permutations(list(robots))):
            world.ask(robot, robots[robot])  # and while another's request runs
        last |= {request.robot_id: turn for request in world.batch}
        assert max(turn - since for since in last.values()) <= 2 * len(robots)
        world.pass_time(world.free_s)
