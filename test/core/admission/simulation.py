# SPDX-License-Identifier: Apache-2.0
"""An edge and its robots as discrete events: what becomes of every request that arrives."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from coinfer_ros.core.admission import Queue, Request, Turn

Ask = Request[None]


class Policy(Protocol):
    """What decides: the queue, or what it is compared with."""

    def offer(self, request: Ask) -> object: ...
    def take(self, now_s: float) -> Turn[None]: ...
    def finish(self, answers: list[str], *, now_s: float) -> None: ...


@dataclass(frozen=True)
class Done:
    """An answer.

    :param delay_s: from its arrival to its answer, s.
    """

    request: Ask
    delay_s: float
    size: int

    @property
    def in_time(self) -> bool:
        return self.request.arrived_s + self.delay_s <= self.request.deadline_s


class Fifo:
    """First in, first out: nothing is refused, replaced or dropped."""

    def __init__(self) -> None:
        self._waiting: list[Ask] = []

    def offer(self, request: Ask) -> None:
        self._waiting.append(request)

    def take(self, now_s: float) -> Turn[None]:  # noqa: ARG002
        return Turn((self._waiting.pop(0),)) if self._waiting else Turn()

    def finish(self, answers: list[str], *, now_s: float) -> None:
        pass


def run(
    policy: Policy, arrivals: Iterable[Ask], takes_s: Callable[[int], float], until_s: float
) -> list[Done]:
    """Let requests arrive at an edge whose batch of n takes ``takes_s(n)``."""
    events = [(ask.arrived_s, number, ask) for number, ask in enumerate(arrivals)]
    heapq.heapify(events)
    done: list[Done] = []
    free_s, batch = 0.0, ()
    while events or batch:
        next_s = events[0][0] if events else float("inf")
        if batch and free_s <= next_s:
            policy.finish(["said"] * len(batch), now_s=free_s)
            done += [Done(ask, free_s - ask.arrived_s, len(batch)) for ask in batch]
            now_s, batch = free_s, ()
        else:
            now_s, _, ask = heapq.heappop(events)
            policy.offer(ask)
        if not batch:
            batch = policy.take(now_s).batch
            free_s = now_s + takes_s(len(batch))
        if now_s > until_s:
            break
    return done


def queue(**settings: int) -> Queue[None, str]:
    return Queue(**{"max_robots": 16, **settings})
