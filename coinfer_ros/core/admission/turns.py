# SPDX-License-Identifier: Apache-2.0
"""Whose turn it is: which of the waiting requests can be answered in time, and which comes next."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from coinfer_ros.core.admission.pace import Pace
from coinfer_ros.core.admission.records import Request
from coinfer_ros.core.admission.robots import Heard

T = TypeVar("T")
_ROUNDING = 1e-9


@dataclass
class Place(Generic[T]):
    """A place in the queue: one robot's.

    :param turn_s: when the robot's last turn ended, or it first asked, s.
    """

    request: Request[T]
    turn_s: float


@dataclass(frozen=True)
class Plan(Generic[T]):
    """What can be done in time.

    :param kept: places whose answers can be ready in time, in the order of turns.
    :param next: of which of these the next turn is; None when there is none.
    :param late: robots whose answers cannot, each with the earliest time at which its could, s.
    """

    kept: tuple[Place[T], ...]
    next: Place[T] | None
    late: dict[str, float]


def plan(
    places: Iterable[Place[T]], *, free_s: float, pace: Pace, max_batch: int, heard: Heard
) -> Plan[T]:
    """Choose the requests to answer in time, and the next of them.

    Robots are gone through in the order of turns: who has been without one for longest comes first.
    Each is kept when its answer can be ready in time beside those that were kept before it. Where
    answers take equally long and all robots keep to their shares, no choice answers more of what
    waits in time: what can be done in time is a matroid, and this is its greedy algorithm (Edmonds
    1971; unit jobs with deadlines: Cormen et al., Introduction to Algorithms, 16.5).

    The next turn is that of the first in order, unless others have to be let pass to be in time.
    That takes two things: all that were kept stay in time, and the robot has kept to its share of
    the model since its last turn, equal for all who asked since then.

    :param free_s: when the model is free, s.
    :param heard: when robots asked last.
    """
    ordered = sorted(places, key=lambda place: (place.turn_s, place.request.arrived_s))
    each_s = _each_s(ordered, pace, max_batch)
    slots, kept, rights = _Slots(len(ordered)), [], []
    late: dict[str, float] = {}
    for place in ordered:
        fits = _fits(place.request.deadline_s - free_s, pace.seconds(1), each_s)
        may_pass = free_s - place.turn_s >= heard.after(place.turn_s) * each_s
        if slots.taken < fits or (may_pass and slots.latest(fits)):
            slots.take(fits)
            kept.append(place)
            rights.append(place.request.deadline_s if may_pass else math.inf)
        else:
            needed = slots.first_after(fits) if may_pass else slots.taken + 1
            late[place.request.robot_id] = free_s + max(needed * each_s, pace.seconds(1))
    return Plan(tuple(kept), _next(kept, rights), late)


def _each_s(places: list[Place[T]], pace: Pace, max_batch: int) -> float:
    """Return the time an answer costs when batches are as full as what waits lets them be, s."""
    total_s = 0.0
    for size in Counter(place.request.group for place in places).values():
        full, rest = divmod(size, max_batch)
        total_s += full * pace.seconds(max_batch) + (pace.seconds(rest) if rest else 0.0)
    return total_s / max(len(places), 1)


def _fits(left_s: float, one_s: float, each_s: float) -> float:
    """Return how many answers can be ready in the time that is left."""
    if left_s < one_s:
        return 0
    return max(math.floor(left_s / each_s + _ROUNDING), 1) if each_s > 0.0 else math.inf


def _next(kept: list[Place[T]], rights: list[float]) -> Place[T] | None:
    if not kept: return None
    return min(zip(rights, range(len(kept)), kept))[2]


class _Slots:
    """The next answers, each given away as late as its robot can wait (union-find)."""

    def __init__(self, count: int) -> None:
        self._latest = list(range(count + 1))  # the latest free slot up to each; 0 is none
        self.taken = 0

    def latest(self, limit: float) -> int:
        """Return the latest free slot up to ``limit``, 0 when there is none."""
        slot = int(min(limit, len(self._latest) - 1))
        while self._latest[slot] != slot:
            self._latest[slot] = self._latest[self._latest[slot]]
            slot = self._latest[slot]
        return slot

    def take(self, limit: float) -> None:
        """Give that slot away."""
        slot = self.latest(limit)
        self._latest[slot] = slot - 1
        self.taken += 1

    def first_after(self, limit: float) -> int:
        """Return the first free slot after ``limit``."""
        slot = int(limit) + 1
        while slot < len(self._latest) and self._latest[slot] != slot:
            slot += 1
        return slot
