# SPDX-License-Identifier: Apache-2.0
"""What became of a robot's requests over a while, and whether the system is whole."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from types import SimpleNamespace

from bench.hosts.heard import Heard
from bench.hosts.system import System
from coinfer_ros.core.errors import PeerTimeout

# Answer.msg
OK, LATE, STALE = 0, 2, 2
ROLES = ("robot", "edge")


@dataclass(frozen=True)
class Outcome:
    """What became of the requests of one life of a robot.

    :param seconds: how long they were watched, s.
    :param ended: requests that were answered, whatever the answer.
    :param lost: requests between the first and the last that no answer came to.
    :param ok: answers of the edge in time.
    :param late: requests without a result in time.
    :param in_budget: of those that are OK, the ones that kept the delay budget.
    :param median_s: middle delay of those that are OK, s; NaN: there are none.
    """

    seconds: float
    ended: int
    lost: int
    ok: int
    late: int
    in_budget: int
    median_s: float

    @property
    def rate_hz(self) -> float:
        """Answers a second that are OK."""
        return self.ok / self.seconds


def outcome(answers: Sequence[Heard], seconds: float, budget_s: float) -> Outcome:
    """Count what became of requests.

    :param answers: in the order in which they came.
    :param budget_s: the delay that was asked for, s.
    """
    ids = [heard.message.request_id for heard in answers]
    delays_s = [heard.message.total_s for heard in answers if heard.message.status == OK]
    return Outcome(
        seconds=seconds,
        ended=len(ids),
        lost=ids[-1] - ids[0] + 1 - len(set(ids)) if ids else 0,
        ok=len(delays_s),
        late=sum(heard.message.status == LATE for heard in answers),
        in_budget=sum(delay_s <= budget_s for delay_s in delays_s),
        median_s=median(delays_s) if delays_s else math.nan,
    )


def await_whole(system: System, *, since_s: float, timeout_s: float) -> Heard:
    """Return the first answer of the whole system, and wait until there is one.

    Its image was taken after ``since_s``, it is OK and made under a plan; both boards hold the
    clocks of a plan that was heard since then.

    :param since_s: monotonic time, s.
    :raises PeerTimeout: when that is not so ``timeout_s`` from now; says which nodes do not run.
    """
    # Nothing that an earlier life of a node has left under way.
    taken_s = since_s + time.time() - time.monotonic()
    try:
        answer = system.ear.first(
            "answer",
            lambda a: a.status == OK and a.plan_id > 0 and _stamp_s(a) >= taken_s,
            since_s=since_s,
            timeout_s=timeout_s,
        )
        for role in ROLES:
            system.ear.first(
                f"{role}_device/state",
                partial(_holds, system, role, since_s),
                since_s=since_s,
                timeout_s=timeout_s,
            )
    except PeerTimeout as error:
        raise PeerTimeout(
            f"{error}; ended: {system.ended()}; refused: {system.refusals()}"
        ) from error
    return answer


def _holds(system: System, role: str, since_s: float, state: SimpleNamespace) -> bool:
    """Say whether a device's clock is that of its plan, by what it says and by its board."""
    plans = [heard.message for heard in system.ear.all("plan", since_s=since_s)]
    clocks_hz = [getattr(p, f"{role}_clock_hz") for p in plans if p.plan_id == state.plan_id]
    held_hz = system.boards[role].achieved().hz
    return bool(clocks_hz) and state.applied and state.clock_hz == clocks_hz[-1] == held_hz


def _stamp_s(answer: SimpleNamespace) -> float:
    return float(answer.stamp["sec"] + 1e-9 * answer.stamp["nanosec"])
