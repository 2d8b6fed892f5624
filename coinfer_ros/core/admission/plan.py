# SPDX-License-Identifier: Apache-2.0
"""Which of the waiting requests can be answered in time, and in which order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from coinfer_ros.core.admission.pace import Pace
from coinfer_ros.core.admission.records import Request

T = TypeVar("T")
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Place(Generic[T]):
    """A place in the queue: one robot's.

    :param round: the round in which its turn is.
    """

    request: Request[T]
    round: int

    @property
    def order(self) -> tuple[float, ...]:
        """What comes first: the earlier round, in one round the earlier deadline."""
        return self.round, self.request.deadline_s, self.request.arrived_s


@dataclass(frozen=True)
class Plan(Generic[T]):
    """What can be done in time.

    :param kept: places whose answers can be ready in time, in the order in which they are answered.
    :param late: the others in their order, each with the time at which its answer could be ready.
    """

    kept: tuple[Place[T], ...]
    late: tuple[tuple[Place[T], float], ...]


def plan(places: Collection[Place[T]], *, free_s: float, pace: Pace, max_batch: int) -> Plan[T]:
    """Go through the places in their order and keep each that can be in time after those before it.

    Of one round no other choice has more in time where answers take equally long: unit jobs by
    their deadlines, late ones left out (J. M. Moore, Management Science 15(1), 1968).

    :param free_s: when the model is free, s.
    """
    each_s = _each_s(places, pace, max_batch)
    kept: list[Place[T]] = []
    late: list[tuple[Place[T], float]] = []
    for place in sorted(places, key=lambda place: place.order):
        if len(kept) < _fits(place.request.deadline_s - free_s, pace.seconds(1), each_s):
            kept.append(place)
        else:
            ready_s = max((len(kept) + 1) * each_s, pace.seconds(1))
            late.append((place, free_s + ready_s))
    return Plan(tuple(kept), tuple(late))


def _each_s(places: Collection[Place[T]], pace: Pace, max_batch: int) -> float:
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
