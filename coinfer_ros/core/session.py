# SPDX-License-Identifier: Apache-2.0
"""The life of a request on the robot, as a state machine; time is an argument.

One request is in flight at a time::

    begun ──sent──▶ waiting ──result in time──▶ answered, refused
      │               │  ▲
      │               └──┘ again: the edge began anew, or has not seen it
      └───────┴──▶ late (its deadline, or an edge that is gone) · cancelled · abandoned

It ends in exactly one of these ways. Whatever else arrives (late, twice, for another robot or
model) is counted and dropped.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import EdgeWatch

# An embedding that the edge has not seen is not thought lost before this, s.
LEAST_PATIENCE_S, MOST_PATIENCE_S = 0.25, 1.0
# A request is given up after this many times the delay that its plan predicts, or later.
_PATIENCE = 2.0
_REMEMBERED = 8


class Verdict(Enum):
    """What to do with a result."""

    ACCEPT = auto()
    LATE_OR_TWICE = auto()
    FOREIGN = auto()


class Step(Enum):
    """What a waiting request does next."""

    WAIT = auto()
    SEND_AGAIN = auto()
    GIVE_UP = auto()


def time_for(predicted_delay_s: float, *, least_s: float) -> float:
    """Return the time after which a request is given up, s.

    :param predicted_delay_s: by its plan; NaN: not known.

    >>> time_for(0.3, least_s=2.0), time_for(1.5, least_s=2.0), time_for(math.nan, least_s=2.0)
    (2.0, 3.0, 2.0)
    """
    return least_s if math.isnan(predicted_delay_s) else max(least_s, _PATIENCE * predicted_delay_s)


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
    cancelled: int = 0
    retries: int = 0
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
    sendings: int = 0
    _in_flight: Request | None = None
    _sent_s: float = 0.0
    _life: int = 0
    _transmits_s: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _waits_s: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

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
        self.sendings = 0
        self._in_flight = Request(self.last_id, plan_id, now_s, now_s + timeout_s)
        return self._in_flight

    def sent(self, *, now_s: float, life: int) -> None:
        """Note that the embedding is on its way.

        :param life: the edge's life when it was sent.
        """
        self.sendings += 1
        self.counters.retries += self.sendings > 1
        self._sent_s, self._life = now_s, life

    def step(self, edge: EdgeWatch, *, now_s: float, retries: int) -> Step:
        """Return what the waiting request does now.

        It is sent again when the edge began anew, or when the edge was heard long enough after the
        sending and does not know it; both where an answer can still come in time.

        :param edge: whom it was sent to.
        :param retries: how often it may be sent again.
        """
        request = self._in_flight
        if request is None or now_s > request.deadline_s or self._gone(edge, now_s):
            return Step.GIVE_UP
        if self.sendings > retries or now_s + self._need_s > request.deadline_s:
            return Step.WAIT
        begun_anew = edge.life != self._life and not edge.trouble(now_s)
        heard_after = edge.heard_s >= self._sent_s + self._patience_s
        unseen = heard_after and edge.request < request.request_id
        return Step.SEND_AGAIN if begun_anew or unseen else Step.WAIT

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
        self._waits_s.append(now_s - self._sent_s)
        if refused:
            self.counters.refused += 1
        else:
            self.counters.answered += 1
        return Verdict.ACCEPT

    def took(self, transmit_s: float) -> None:
        """Note how long an answered request was on its way there and back, s."""
        self._transmits_s.append(transmit_s)

    def expire(self, now_s: float) -> Request | None:
        """End and return the request in flight when its deadline has passed, else None."""
        request = self._in_flight
        if request is None or now_s <= request.deadline_s:
            return None
        self.give_up()
        return request

    def give_up(self) -> None:
        """End the request in flight as late: nobody is there to answer it, or not in time."""
        if self._in_flight is not None:
            self._in_flight = None
            self.counters.late += 1

    def cancel(self) -> None:
        """End the request in flight because its asker took it back."""
        if self._in_flight is not None:
            self._in_flight = None
            self.counters.cancelled += 1

    def abandon(self) -> None:
        """End the request in flight without a result (the head failed on its image)."""
        self._in_flight = None

    @property
    def _patience_s(self) -> float:
        """How long an embedding may be on its way before it counts as lost, s."""
        usual_s = 2.0 * statistics.median(self._transmits_s) if self._transmits_s else 0.0
        return min(max(usual_s, LEAST_PATIENCE_S), MOST_PATIENCE_S)

    @property
    def _need_s(self) -> float:
        """What an answer takes from its sending, s."""
        return statistics.median(self._waits_s) if self._waits_s else 0.0

    def _gone(self, edge: EdgeWatch, now_s: float) -> bool:
        """Tell whether nothing is heard of the edge; one that is just not ready may be again."""
        return now_s - edge.heard_s > edge.silence_s
