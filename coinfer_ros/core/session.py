# SPDX-License-Identifier: Apache-2.0
"""The life of a request on the robot, as a state machine; time is an argument.

One request is in flight at a time. It ends in exactly one way: a result in time, or its deadline.
Whatever else arrives (late, twice, for another robot or model) is counted and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput


class Verdict(Enum):
    """What to do with a result."""

    ACCEPT = auto()
    LATE_OR_TWICE = auto()
    FOREIGN = auto()


@dataclass(frozen=True)
class Request:
    """One request in flight.

    :param request_id: rises by one.
    :param plan_id: the plan it was made under.
    :param begun_s: robot's monotonic time at which its image was taken up, s.
    :param deadline_s: robot's monotonic time at which it is given up, s.
    """

    request_id: int
    plan_id: int
    begun_s: float
    deadline_s: float


@dataclass
class Counters:
    """What became of requests and results since the session began."""

    answered: int = 0
    late: int = 0
    refused: int = 0
    results_dropped: int = 0


@dataclass
class Session:
    """Requests of one robot under one model.

    :param robot_id: who asks.
    :param fingerprint: the model's; a result of any other is foreign.
    :param last_id: ids begin above this; a random one keeps a restarted robot from taking the
        results of its former life for its own.
    """

    robot_id: str
    fingerprint: str
    last_id: int = 0
    counters: Counters = field(default_factory=Counters)
    _in_flight: Request | None = None

    @property
    def in_flight(self) -> Request | None:
        """The request that waits for its result, if any."""
        return self._in_flight

    def begin(self, *, now_s: float, timeout_s: float, plan_id: int) -> Request:
        """Open the next request.

        :raises InvalidInput: when one is in flight or the timeout is not above zero.
        """
        if self._in_flight is not None:
            raise InvalidInput(
                f"request {self._in_flight.request_id} must end before the next begins"
            )
        checks.number("timeout_s", timeout_s, above=0.0, unit="s")
        self.last_id += 1
        self._in_flight = Request(self.last_id, plan_id, now_s, now_s + timeout_s)
        return self._in_flight

    def result(
        self, *, robot_id: str, request_id: int, fingerprint: str, refused: bool, now_s: float
    ) -> Verdict:
        """Judge a result that came at ``now_s``; an accepted one ends its request."""
        if robot_id != self.robot_id:
            return Verdict.FOREIGN  # another robot's: not ours to count
        if fingerprint != self.fingerprint:
            self.counters.results_dropped += 1
            return Verdict.FOREIGN
        request = self._in_flight
        if request is None or request.request_id != request_id or now_s > request.deadline_s:
            self.counters.results_dropped += 1
            return Verdict.LATE_OR_TWICE
        self._in_flight = None
        if refused:
            self.counters.refused += 1
        else:
            self.counters.answered += 1
        return Verdict.ACCEPT

    def expire(self, now_s: float) -> Request | None:
        """End and return the request in flight when its deadline has passed, else None."""
        request = self._in_flight
        if request is None or now_s <= request.deadline_s:
            return None
        self.give_up()
        return request

    def give_up(self) -> None:
        """End the request in flight as late: nobody is there to answer it."""
        if self._in_flight is not None:
            self._in_flight = None
            self.counters.late += 1

    def abandon(self) -> None:
        """End the request in flight without a result (the head failed on its image)."""
        self._in_flight = None
