# SPDX-License-Identifier: Apache-2.0
"""An edge and its robots as discrete events: what becomes of every request that arrives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from coinfer_ros.core.admission import Request, Turn

Ask = Request[None]


class Policy(Protocol):
    """What decides: the queue, or what it is compared with."""

    def offer(self, request: Ask) -> object: ...
    def take(self, now_s: float) -> Turn[None]: ...
    def finish(self, answers: list[str], *, now_s: float) -> None: ...


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


@dataclass(frozen=True)
class Answered:
    """A request and when its answer was ready, s."""

    request: Ask
    at_s: float

    @property
    def delay_s(self) -> float:
        return self.at_s - self.request.arrived_s

    @property
    def in_time(self) -> bool:
        return self.at_s <= self.request.deadline_s


def asking(
    robot: str, period_s: float, within_s: float, until_s: float, rng: np.random.Generator
) -> Iterator[Ask]:
    """A robot that asks once a period, up to a fifth of a period later than it should."""
    begin_s = rng.uniform(0.0, period_s)
    for number in range(math.ceil((until_s - begin_s) / period_s)):
        at_s = begin_s + (number + rng.uniform(0.0, 0.2)) * period_s
        yield Request(robot, number, at_s, at_s + within_s, "", None)


def run(policy: Policy, asks: Iterable[Ask], takes_s: Callable[[int], float]) -> list[Answered]:
    """Let requests arrive at an edge whose batch of n takes ``takes_s(n)``."""
    coming = sorted(asks, key=lambda ask: ask.arrived_s)[::-1]
    answered: list[Answered] = []
    batch: tuple[Ask, ...] = ()
    free_s = math.inf
    while coming or batch:
        if batch and (not coming or free_s <= coming[-1].arrived_s):
            now_s = free_s
            policy.finish(["said"] * len(batch), now_s=now_s)
            answered += [Answered(ask, now_s) for ask in batch]
            batch = ()
        else:
            ask = coming.pop()
            now_s = ask.arrived_s
            policy.offer(ask)
        if not batch:
            batch = policy.take(now_s).batch
            free_s = now_s + takes_s(len(batch))
    return answered
