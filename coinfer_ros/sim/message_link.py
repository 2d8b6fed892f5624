# SPDX-License-Identifier: Apache-2.0
"""One way over a link that delays, loses, is slow and breaks off, message by message.

Pure: what is sent and when it is looked at are arguments. :mod:`coinfer_ros.sim.task.link` has the
way of one request there and back, in packets; here are all messages of several topics, as they are.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

M = TypeVar("M")
# Messages of one topic that are under way at once: 10 a second for the longest delay, and to spare.
MOST_UNDER_WAY = 256


@dataclass(frozen=True)
class MessageImpairment:
    """What one way over the link is like.

    :param delay_s: of each message, s.
    :param jitter_s: what it takes beyond that on average, exponentially distributed, s.
    :param lost: share of messages that do not arrive.
    :param goodput_bps: bits of messages a second; inf: no limit.
    :param gone_from_s: when the link breaks off, s; inf: never.
    :param gone_until_s: when it is there again, s; inf: never.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    lost: float = 0.0
    goodput_bps: float = math.inf
    gone_from_s: float = math.inf
    gone_until_s: float = math.inf

    def __post_init__(self) -> None:
        for name in ("delay_s", "jitter_s"):
            checks.number(name, getattr(self, name), low=0.0, unit="s")
        checks.number("lost", self.lost, low=0.0, high=1.0)
        if not self.goodput_bps > 0.0:
            raise InvalidInput(f"goodput_bps must be above 0 bit/s, got {self.goodput_bps!r}")
        if not self.gone_from_s <= self.gone_until_s:
            raise InvalidInput(
                f"gone_until_s must be at least gone_from_s = {self.gone_from_s!r} s, "
                f"got {self.gone_until_s!r}"
            )

    def is_gone(self, at_s: float) -> bool:
        """Tell whether the link is broken off."""
        return self.gone_from_s <= at_s < self.gone_until_s


@dataclass
class Counts:
    """What became of messages: ``sent`` is the sum of the others and of those under way."""

    sent: int = 0
    passed: int = 0
    lost: int = 0  # by chance
    replaced: int = 0  # by newer ones, while they waited for their turn
    cut_off: int = 0  # while the link was gone


@dataclass(eq=False)
class Stream(Generic[M]):
    """The messages of one topic.

    :param depth: so many wait for their turn, as its writer's history would keep them.
    :param reliable: what finds the link gone waits until it is back; else it is dropped.
    :param rng: source of its jitter and losses: its own, so that no other topic changes them.
    """

    depth: int
    reliable: bool
    rng: np.random.Generator
    under_way: deque[tuple[float, M]] = field(default_factory=deque)  # (arrival, s; message)


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[M]):
    stream: Stream[M]
    message: M
    size_bytes: int
    sent_s: float


class OneWay(Generic[M]):
    """One direction of a link, which the messages of all topics share.

    They take turns in the order in which they were sent; each occupies the way for its bits, a
    lost one too. Those of one topic arrive in their order.

    :param impairment: what it is like; may be replaced by another at any time.
    """

    def __init__(self, impairment: MessageImpairment) -> None:
        self.impairment = impairment
        self.counts = Counts()
        self._waiting: deque[_Waiting[M]] = deque()
        self._streams: list[Stream[M]] = []
        self._free_s = -math.inf  # when the message that is being sent has left
        self._was_gone = False

    def stream(self, *, depth: int, reliable: bool, rng: np.random.Generator) -> Stream[M]:
        """Return a new topic's stream."""
        made: Stream[M] = Stream(depth, reliable, rng)
        self._streams.append(made)
        return made

    @property
    def held(self) -> int:
        """Messages that wait or are under way."""
        return len(self._waiting) + sum(len(stream.under_way) for stream in self._streams)

    def send(
        self, stream: Stream[M], message: M, *, size_bytes: int, now_s: float, writers: int = 1
    ) -> None:
        """Take a message in.

        :param writers: of its topic: each has a history of the stream's depth.
        """
        self.counts.sent += 1
        self._waiting.append(_Waiting(stream, message, size_bytes, now_s))
        self._move(now_s)
        mine = [waiting for waiting in self._waiting if waiting.stream is stream]
        for oldest in mine[: len(mine) - stream.depth * max(writers, 1)]:
            self._waiting.remove(oldest)
            self.counts.replaced += 1

    def arrived(self, now_s: float) -> list[M]:
        """Return what has arrived by now, each once."""
        self._move(now_s)
        gone = self.impairment.is_gone(now_s)
        found: list[tuple[float, M]] = []
        for stream in self._streams:
            while stream.under_way and stream.under_way[0][0] <= now_s:
                if gone and stream.reliable:
                    break
                arrival = stream.under_way.popleft()
                if gone:
                    self.counts.cut_off += 1
                else:
                    found.append(arrival)
        self.counts.passed += len(found)
        return [message for _, message in sorted(found, key=lambda arrival: arrival[0])]

    def next_s(self, now_s: float) -> float:
        """Return when :meth:`arrived` is to be called next, s; inf: not before the next send."""
        gone = self.impairment.is_gone(now_s)
        back_s = self.impairment.gone_until_s if gone else -math.inf
        times_s = [
            max(stream.under_way[0][0], back_s if stream.reliable else -math.inf)
            for stream in self._streams
            if stream.under_way
        ]
        if self._waiting:
            times_s.append(max(self._free_s, back_s))
        return min(times_s, default=math.inf)

    def _move(self, now_s: float) -> None:
        """Put what has its turn by now on its way."""
        if self.impairment.is_gone(now_s):
            kept = deque(waiting for waiting in self._waiting if waiting.stream.reliable)
            self.counts.cut_off += len(self._waiting) - len(kept)
            self._waiting, self._was_gone = kept, True
            return
        if self._was_gone:  # nothing left while it was gone
            self._free_s, self._was_gone = max(self._free_s, now_s), False
        while self._waiting and self._free_s <= now_s:
            self._put_on_way(self._waiting.popleft())

    def _put_on_way(self, waiting: _Waiting[M]) -> None:
        like, stream = self.impairment, waiting.stream
        self._free_s = max(self._free_s, waiting.sent_s) + 8.0 * waiting.size_bytes / (
            like.goodput_bps
        )
        # Both are drawn for each message, so that one setting does not change the other's draws.
        is_lost = float(stream.rng.random()) < like.lost
        arrival_s = self._free_s + like.delay_s
        arrival_s += like.jitter_s * float(stream.rng.standard_exponential())
        if is_lost:
            self.counts.lost += 1
            return
        if stream.under_way:
            arrival_s = max(arrival_s, stream.under_way[-1][0])
        stream.under_way.append((arrival_s, waiting.message))
        if len(stream.under_way) > MOST_UNDER_WAY:
            stream.under_way.popleft()
            self.counts.replaced += 1
