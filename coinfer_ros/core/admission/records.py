# SPDX-License-Identifier: Apache-2.0
"""What goes into the queue of an edge and what it says."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

T = TypeVar("T")  # what is asked
A = TypeVar("A")  # what is answered


@dataclass(frozen=True)
class Request(Generic[T]):
    """One request of one robot.

    :param robot_id: who asks.
    :param request_id: the robot's own number of it; the same again is the same request.
    :param arrived_s: when it arrived, on the edge's monotonic clock, s.
    :param deadline_s: when its answer is worth nothing any more, on the same clock, s.
    :param group: only requests of one group can be answered together: their prompt and cut.
    :param item: what is asked.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    robot_id: str
    request_id: int
    arrived_s: float
    deadline_s: float
    group: Hashable
    item: T

    def __post_init__(self) -> None:
        if not isinstance(self.robot_id, str) or not self.robot_id:
            raise InvalidInput(f"robot_id must be text, not empty, got {self.robot_id!r}")
        checks.whole("request_id", self.request_id, low=0, high=2**64 - 1)
        checks.number("arrived_s", self.arrived_s, unit="s")
        checks.number("deadline_s", self.deadline_s, above=self.arrived_s, unit="s")

    @property
    def key(self) -> tuple[str, int]:
        """What makes it the same request."""
        return self.robot_id, self.request_id


class Verdict(Enum):
    """What became of a request that arrived."""

    QUEUED = auto()
    DUPLICATE = auto()  # it waits or runs already: nothing is to be done
    ANSWERED = auto()  # it was answered: the answer is to be sent again
    REFUSED = auto()


@dataclass(frozen=True)
class Admission(Generic[T, A]):
    """What to do with a request that arrived.

    :param reason: why it was refused, for its robot.
    :param replaced: the older request of its robot whose place it took.
    :param answer: the answer to send again.
    """

    verdict: Verdict
    reason: str = ""
    replaced: Request[T] | None = None
    answer: A | None = None


@dataclass(frozen=True)
class Turn(Generic[T]):
    """What to do next.

    :param batch: requests of one group to answer together; empty when none waits.
    :param expired: requests that were dropped: no answer can be ready in their time.
    """

    batch: tuple[Request[T], ...] = ()
    expired: tuple[Request[T], ...] = ()


@dataclass
class Counts:
    """What became of all that arrived; what is in none of these waits or runs.

    :param answered: a failure that the robot was told of is an answer, too.
    """

    arrived: int = 0
    answered: int = 0
    replaced: int = 0
    expired: int = 0
    refused: int = 0
    duplicates: int = 0
