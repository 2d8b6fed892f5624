# SPDX-License-Identifier: Apache-2.0
"""What an edge remembers of robots: in which round each may have its next turn, its last answer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")


@dataclass
class Robot(Generic[A]):
    """One robot.

    :param next_round: the first round in which it may have its next turn.
    :param answered: the last request that was answered, None before the first.
    :param answer: the answer to that.
    """

    next_round: int
    answered: int | None = None
    answer: A | None = None


class Robots(Generic[A]):
    """The robots heard last: so many that were answered, and as many that were not yet.

    Names that were made up drive out such names alone, until they wait for a turn and have it.

    :param most: how many of either.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._answered: OrderedDict[str, Robot[A]] = OrderedDict()
        self._new: OrderedDict[str, Robot[A]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answered) + len(self._new)

    def get(self, robot_id: str) -> Robot[A] | None:
        """Return what is known of a robot."""
        return self._answered.get(robot_id) or self._new.get(robot_id)

    def heard(self, robot_id: str, *, next_round: int) -> Robot[A]:
        """Return a robot that asks now.

        :param next_round: of one that is not known.
        """
        part = self._answered if robot_id in self._answered else self._new
        robot = part.get(robot_id) or Robot(next_round)
        self._keep(part, robot_id, robot)
        return robot

    def answered(self, robot_id: str, request_id: int, answer: A, *, next_round: int) -> None:
        """Remember the last answer of a robot.

        :param next_round: of one that was forgotten meanwhile.
        """
        robot = self._new.pop(robot_id, None) or self.heard(robot_id, next_round=next_round)
        self._new.pop(robot_id, None)
        robot.answered, robot.answer = request_id, answer
        self._keep(self._answered, robot_id, robot)

    def _keep(self, part: OrderedDict[str, Robot[A]], robot_id: str, robot: Robot[A]) -> None:
        part[robot_id] = robot
        part.move_to_end(robot_id)
        if len(part) > self._most:
            part.popitem(last=False)
