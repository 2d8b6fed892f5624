# SPDX-License-Identifier: Apache-2.0
"""Whose turn is in which round, and what was answered last: all that is remembered of robots."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

A = TypeVar("A")


@dataclass
class Robot(Generic[A]):
    """One robot.

    :param next_round: the first round in which it may have a turn.
    :param missed: whether it asked then and could not be answered in time: it keeps that turn.
    :param answered: the last request that was answered, None before the first.
    :param answer: the answer to that.
    """

    next_round: int
    missed: bool = False
    answered: int | None = None
    answer: A | None = None


class Rounds(Generic[A]):
    """The round that runs, and the robots heard last.

    As many are remembered that were answered as may wait, and as many that were not yet: names that
    were made up drive out such names alone, until they wait for a turn and have it.

    :param most: robots that may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._now = self._newcomers = 0
        self._answered: OrderedDict[str, Robot[A]] = OrderedDict()
        self._new: OrderedDict[str, Robot[A]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._answered) + len(self._new)

    def get(self, robot_id: str) -> Robot[A] | None:
        """Return what is known of a robot."""
        return self._answered.get(robot_id) or self._new.get(robot_id)

    def begin(self, number: int | None = None) -> None:
        """Begin a round, the next one where no number is given; a past one changes nothing."""
        number = self._now + 1 if number is None else number
        if number > self._now:
            self._now, self._newcomers = number, 0

    def turn(self, robot_id: str) -> int:
        """Return the round of the turn of a robot that asks now.

        A new one has it in this round; when that has as many new ones as may wait, in the next.
        """
        robot = self.get(robot_id)
        if robot is None:
            self._newcomers += 1
            robot = self._heard(robot_id, self._now + (self._newcomers > self._most))
        else:
            self._heard(robot_id, robot.next_round)
        return robot.next_round if robot.missed else max(robot.next_round, self._now)

    def had(self, robot_id: str, turn: int) -> None:
        """Take note that a robot has its turn of that round."""
        robot = self._heard(robot_id, turn)
        robot.next_round, robot.missed = max(turn, self._now) + 1, False

    def missed(self, robot_id: str, turn: int) -> None:
        """Take note that a robot did not get its turn of that round."""
        robot = self._heard(robot_id, turn)
        robot.next_round, robot.missed = turn, True

    def answered(self, robot_id: str, request_id: int, answer: A) -> None:
        """Remember the last answer of a robot."""
        robot = self._heard(robot_id, self._now + 1)
        robot.answered, robot.answer = request_id, answer
        self._new.pop(robot_id, None)
        _keep(self._answered, robot_id, robot, self._most)

    def _heard(self, robot_id: str, next_round: int) -> Robot[A]:
        part = self._answered if robot_id in self._answered else self._new
        robot = part.get(robot_id) or Robot(next_round)
        _keep(part, robot_id, robot, self._most)
        return robot


def _keep(part: OrderedDict[str, Robot[A]], robot_id: str, robot: Robot[A], most: int) -> None:
    part[robot_id] = robot
    part.move_to_end(robot_id)
    if len(part) > most:
        part.popitem(last=False)
