# SPDX-License-Identifier: Apache-2.0
"""The policy moves on recent answers alone, and calls found what it saw standing still."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.arena.arena import Pose
from coinfer_ros.sim.arena.sight import DIRECTIONS, DISTANCES, Sight
from coinfer_ros.sim.task.policy import STILL, Drive, Manners, Phase, Seeker

SEEN = [Sight(*words) for words in itertools.product(DIRECTIONS, DISTANCES)]
NOT_SEEN = Sight("", "")
AT_IT = Sight("centre", "near")
MANNERS = Manners()
TICK_S = 0.1


@dataclass(frozen=True)
class Tick:
    """A little time: perhaps an answer, then a drive."""

    heard: bool
    sight: Sight | None
    age_s: float
    turned_rad: float


# Half of all answers are fresh; an age drawn evenly would leave most out, older than the last one.
AGES_S = st.one_of(st.sampled_from([0.0, 0.05, 0.15]), st.floats(0.0, 3.0))
TURNS_RAD = st.floats(-0.5, 0.5)


def ticks_of(sights: list[Sight | None]) -> st.SearchStrategy[list[Tick]]:
    heard = st.sampled_from([True, True, False])
    tick = st.builds(Tick, heard, st.sampled_from(sights), AGES_S, TURNS_RAD)
    return st.lists(tick, max_size=60)


TICKS = ticks_of([*SEEN, NOT_SEEN, NOT_SEEN, None])
AT_IT_TICKS = ticks_of([AT_IT, AT_IT, AT_IT, AT_IT, Sight("centre", "far"), NOT_SEEN, None])
MANY = st.builds(
    Manners,
    stale_s=st.floats(0.1, 2.0),
    lost_after=st.integers(1, 3),
    confirmations=st.integers(1, 3),
)


class Watched:
    """A seeker, and what an onlooker knows of it by its answers and drives alone."""

    def __init__(self, manners: Manners = MANNERS, lookouts=()) -> None:
        self.seeker = Seeker(manners, lookouts)
        self.now_s, self.heading_rad, self.at = 0.0, 0.0, (0.0, 0.0)
        self.newest_s = -math.inf  # image of the newest answer that could be read
        self.believed: list[tuple[Sight, float]] = []  # answers that may be acted on
        self.still_since_s = math.inf
        self.drove = STILL

    def tick(self, tick: Tick) -> Drive:
        self.now_s += TICK_S
        self.heading_rad += tick.turned_rad
        if tick.heard:
            self.hear(tick.sight, self.now_s - tick.age_s)
        return self.drive()

    def hear(self, sight: Sight | None, image_s: float) -> None:
        done = self.seeker.phase is Phase.FOUND
        self.seeker.hear(sight, image_s=image_s, now_s=self.now_s)
        if sight is not None and image_s > self.newest_s and not done:
            self.newest_s = image_s
            if self.now_s - image_s <= self.seeker.manners.stale_s:
                self.believed.append((sight, image_s))

    def drive(self) -> Drive:
        self.drove = self.seeker.drive(Pose(*self.at, self.heading_rad), self.now_s)
        still = self.drove == STILL
        self.still_since_s = min(self.still_since_s, self.now_s) if still else math.inf
        return self.drove

    def told(self, *sights: Sight) -> Drive:
        """Hear fresh answers one after another, driving between."""
        for sight in sights:
            self.now_s += TICK_S
            self.hear(sight, self.now_s)
            self.drive()
        return self.drove


@given(MANY, TICKS)
def test_it_never_moves_on_what_is_stale(manners: Manners, ticks: list[Tick]) -> None:
    watched = Watched(manners)
    for tick in ticks:
        if watched.tick(tick) != STILL:
            assert watched.now_s - watched.newest_s <= manners.stale_s
            assert watched.believed


@given(MANY, TICKS)
def test_it_never_drives_forward_when_nothing_is_seen(manners: Manners, ticks: list[Tick]) -> None:
    watched = Watched(manners)
    for tick in ticks:
        if watched.tick(tick).forward_m_s:
            assert watched.believed[-1][0].seen
        assert watched.drove.forward_m_s >= 0.0


@given(MANY, TICKS)
def test_it_turns_to_where_the_thing_was_seen_last(manners: Manners, ticks: list[Tick]) -> None:
    watched = Watched(manners)
    for tick in ticks:
        drive = watched.tick(tick)
        sides = [sight.direction for sight, _ in watched.believed if sight.direction != "centre"]
        last = next((side for side in reversed(sides) if side), "left")
        assert drive.turn_rad_s * {"left": 1.0, "right": -1.0}[last] >= 0.0


@given(MANY, AT_IT_TICKS)
def test_it_calls_found_what_it_saw_near_and_ahead_standing_still(
    manners: Manners, ticks: list[Tick]
) -> None:
    watched = Watched(manners)
    for tick in ticks:
        still_since_s = watched.still_since_s
        watched.tick(tick)
        if watched.seeker.phase is Phase.FOUND:
            last = watched.believed[-manners.confirmations :]
            assert len(last) == manners.confirmations
            assert all((s.direction, s.distance) == ("centre", "near") for s, _ in last)
            assert all(image_s >= still_since_s for _, image_s in last)
            watched.told(Sight("left", "far"), NOT_SEEN)
            assert watched.drove == STILL
            assert watched.seeker.phase is Phase.FOUND
            return


def test_it_stands_still_until_the_first_answer() -> None:
    watched = Watched()
    for _ in range(5):
        assert watched.tick(Tick(heard=False, sight=None, age_s=0.0, turned_rad=0.0)) == STILL
    assert watched.told(NOT_SEEN) == Drive(turn_rad_s=MANNERS.search_rad_s)


@pytest.mark.parametrize(
    ("words", "forward", "turn"),
    [
        (("left", "near"), 0.0, 1.0),
        (("left", "far"), 0.5, 1.0),
        (("centre", "near"), 0.0, 0.0),
        (("centre", "far"), 1.0, 0.0),
        (("right", "near"), 0.0, -1.0),
        (("right", "far"), 0.5, -1.0),
    ],
)
def test_each_answer_has_its_drive(words: tuple[str, str], forward: float, turn: float) -> None:
    drive = Watched().told(Sight(*words))
    assert drive == Drive(forward * MANNERS.forward_m_s, turn * MANNERS.steer_rad_s)


@pytest.mark.parametrize("before", [Sight("centre", "far"), AT_IT])
def test_a_thing_is_lost_after_so_many_answers_without_it_and_no_sooner(before: Sight) -> None:
    watched = Watched(Manners(lost_after=3))
    watched.told(before, NOT_SEEN, NOT_SEEN)
    assert watched.seeker.phase is not Phase.SEARCH
    watched.told(before, NOT_SEEN, NOT_SEEN)  # seen again: counted anew
    assert watched.seeker.phase is not Phase.SEARCH
    watched.told(NOT_SEEN)
    assert watched.seeker.phase is Phase.SEARCH


def test_what_was_seen_before_it_stood_still_confirms_nothing() -> None:
    watched = Watched(Manners(confirmations=2))
    watched.now_s = 1.2
    watched.hear(AT_IT, 1.0)
    assert watched.drive() == STILL
    for now_s, image_s, found in ((1.3, 1.1, False), (1.4, 1.3, False), (1.5, 1.4, True)):
        watched.now_s = now_s
        watched.hear(AT_IT, image_s)
        watched.drive()
        assert (watched.seeker.phase is Phase.FOUND) == found


@pytest.mark.parametrize("between", [NOT_SEEN, Sight("centre", "far"), Sight("left", "near")])
def test_confirmations_are_counted_anew_after_another_answer(between: Sight) -> None:
    watched = Watched(Manners(confirmations=2))
    watched.told(AT_IT, AT_IT, between, AT_IT)
    assert watched.seeker.phase is Phase.CONFIRM
    again = 1 if between == NOT_SEEN else 2  # it never moved on
    watched.told(*[AT_IT] * (again - 1))
    assert watched.seeker.phase is Phase.CONFIRM
    watched.told(AT_IT)
    assert watched.seeker.phase is Phase.FOUND


def test_a_stale_answer_confirms_nothing() -> None:
    watched = Watched(Manners(confirmations=1))
    watched.told(AT_IT)
    watched.now_s += 10.0
    watched.hear(AT_IT, watched.now_s - MANNERS.stale_s - 0.1)
    watched.drive()
    assert watched.seeker.phase is Phase.CONFIRM


def test_an_answer_about_an_older_image_is_left_out() -> None:
    watched = Watched()
    watched.told(Sight("centre", "far"))
    watched.hear(Sight("left", "near"), watched.now_s - 0.05)
    assert watched.drive() == Drive(MANNERS.forward_m_s)


def test_words_that_are_no_answer_and_stale_ones_are_counted_and_not_followed() -> None:
    watched = Watched()
    watched.told(Sight("centre", "far"))
    watched.hear(None, watched.now_s + 0.01)
    assert watched.drive() == Drive(MANNERS.forward_m_s)
    watched.now_s += MANNERS.stale_s + 0.5
    watched.hear(Sight("left", "far"), watched.now_s - MANNERS.stale_s - 0.1)
    assert watched.drive() == STILL
    seeker = watched.seeker
    assert (seeker.answers, seeker.unread, seeker.stale) == (3, 1, 1)


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_after_a_full_turn_it_looks_around_from_the_next_place(way: float) -> None:
    watched = Watched(lookouts=((0.0, 0.0), (2.0, 0.0)))
    watched.told(NOT_SEEN)
    for turned in range(1, 14):  # 0.5 rad each: a little more than a turn
        assert watched.seeker.phase is Phase.SEARCH
        watched.heading_rad = 0.5 * turned * way
        watched.told(NOT_SEEN)
    assert watched.seeker.phase is Phase.TRAVEL
    watched.heading_rad = 0.0
    assert watched.drive() == Drive(MANNERS.forward_m_s)
    watched.heading_rad = 1.0  # off its way: turns first
    assert watched.drive().forward_m_s == 0.0
    assert watched.drove.turn_rad_s < 0.0
    watched.at = (1.9, 0.0)
    assert watched.drive() == STILL
    assert watched.seeker.phase is Phase.SEARCH


def test_with_one_place_to_look_from_it_goes_on_turning() -> None:
    watched = Watched(lookouts=((0.0, 0.0),))
    for _ in range(30):
        watched.heading_rad += 0.5
        assert watched.told(NOT_SEEN) == Drive(turn_rad_s=MANNERS.search_rad_s)


@pytest.mark.parametrize(
    "wrong",
    [
        {"search_rad_s": 0.0},
        {"steer_rad_s": math.nan},
        {"forward_m_s": -0.1},
        {"stale_s": math.inf},
        {"lost_after": 0},
        {"confirmations": 1.5},
    ],
)
def test_manners_that_make_no_sense_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Manners(**wrong)
