# SPDX-License-Identifier: Apache-2.0
"""What an edge remembers of robots: who has had a turn when, and the last answer of each."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")


@dataclass
class Robot(Generic[A]):
    """One robot.

    :param heard_s: when it last asked, s.
    :param turn_s: when its last turn ended, or it first asked, s.
    :param answered: the last request that was answered, None before the first.
    :param answer: the answer to that.
    """

    heard_s: float
    turn_s: float
    answered: int | None = None
    answer: A | None = None


class Robots(Generic[A]):
    """The robots heard last: as many as may wait, and as many again that had no turn yet.

    Names that were made up fill the second part alone, until they wait for a turn and have it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._served: OrderedDict[str, Robot[A]] = OrderedDict()
        self._new: OrderedDict[str, Robot[A]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._served) + len(self._new)

    def get(self, robot_id: str) -> Robot[A] | None:
        """Return what is known of a robot."""
        return self._served.get(robot_id) or self._new.get(robot_id)

    def heard(self, robot_id: str, now_s: float) -> Robot[A]:
        """Return a robot that asks now; one that is not known had its turn now."""
        known = self._served if robot_id in self._served else self._new
        robot = known.get(robot_id) or Robot(now_s, now_s)
        robot.heard_s = now_s
        self._keep(known, robot_id, robot)
        return robot

    def had_turn(self, robot_id: str, request_id: int, answer: A, now_s: float) -> None:
        """Remember that a robot's request was answered."""
        robot = self._new.pop(robot_id, None) or self._served.get(robot_id) or Robot(now_s, now_s)
        robot.turn_s, robot.answered, robot.answer = now_s, request_id, answer
        self._keep(self._served, robot_id, robot)

    def heard_after(self) -> Heard:
        """Return who counts the robots heard after a time."""
        times_s = [robot.heard_s for part in (self._served, self._new) for robot in part.values()]
        return Heard(sorted(times_s))

    def _keep(self, part: OrderedDict[str, Robot[A]], robot_id: str, robot: Robot[A]) -> None:
        part[robot_id] = robot
        part.move_to_end(robot_id)
        if len(part) > self._most:
            part.popitem(last=False)


@dataclass(frozen=True)
class Heard:
    """When robots were last heard.

    :param times_s: rising, s.
    """

    times_s: list[float]

    def after(self, time_s: float) -> int:
        """Return how many were heard after ``time_s``, and one at least: who asks for it."""
        return max(len(self.times_s) - bisect_right(self.times_s, time_s), 1)
