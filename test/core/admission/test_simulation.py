# SPDX-License-Identifier: Apache-2.0
"""Eight robots at one edge get equal shares, whoever floods it, and no fewer answers the more ask.

Times are in service times of one request where not said otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from coinfer_ros.core.admission import Queue, Request

from .simulation import Answered, Ask, Fifo, asking, run

pytestmark = pytest.mark.slow
ROBOTS = 8
ONE_S = 0.1
UNTIL_S = 120.0
CAPACITY = UNTIL_S / ONE_S


def one_by_one(size: int) -> float:
    return ONE_S * size


def queue(max_batch: int = 1) -> Queue[None, str]:
    return Queue(max_robots=16, max_batch=max_batch)


def asks(load: float, *, within_s: float, seed: int = 0, until_s: float = UNTIL_S) -> list[Ask]:
    """Eight robots at equal rates.

    :param load: requests in the time of one run.
    """
    rng = np.random.default_rng(seed)
    period_s = ROBOTS * ONE_S / load
    names = [f"robot {number}" for number in range(ROBOTS)]
    return [ask for name in names for ask in asking(name, period_s, within_s, until_s, rng)]


def good(answered: list[Answered]) -> Counter[str]:
    return Counter(one.request.robot_id for one in answered if one.in_time)


@pytest.mark.parametrize("load", [1.5, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_robots_at_equal_rates_get_equal_shares(load: float, seed: int) -> None:
    # Everybody asks again before the others have had their turns, and can wait for two rounds: a
    # robot has then one turn a round, and the last round is perhaps not over.
    shares = good(run(queue(), asks(load, within_s=2 * ROBOTS * ONE_S, seed=seed), one_by_one))
    assert max(shares.values()) - min(shares.values()) <= 1
    assert sum(shares.values()) >= 0.99 * CAPACITY


@pytest.mark.parametrize("seed", range(3))
def test_a_robot_that_cannot_wait_for_a_round_is_not_starved(seed: int) -> None:
    # Patience of five runs under a load of three: not even a round of eight can be waited for.
    shares = good(run(queue(), asks(3.0, within_s=5 * ONE_S, seed=seed), one_by_one))
    assert min(shares.values()) >= 0.9 * CAPACITY / ROBOTS


def flood(within_s: float) -> list[Ask]:
    """A thousand requests a second of one robot."""
    times = [number / 1000 for number in range(int(1000 * UNTIL_S))]
    return [Request("flood", n, at_s, at_s + within_s, "", None) for n, at_s in enumerate(times)]


@pytest.mark.parametrize("load", [0.5, 0.8])
@pytest.mark.parametrize(
    ("impatience_s", "most_s"),
    [
        # The run that a request meets as it arrives; and where both have their turns in the next
        # round, the flood's newest request, a millisecond old, may be the earlier one.
        (20 * ONE_S, ONE_S + 0.001),
        # It names a deadline before all others': then it may come first in a next round.
        (1.2 * ONE_S, 2 * ONE_S),
    ],
)
def test_a_flood_costs_the_others_the_run_that_they_meet(
    load: float, impatience_s: float, most_s: float
) -> None:
    calm = asks(load, within_s=20 * ONE_S)
    alone = {one.request.key: one.delay_s for one in run(queue(), calm, one_by_one)}
    beside = run(queue(), [*calm, *flood(impatience_s)], one_by_one)
    longer_s = [
        one.delay_s - alone[one.request.key]
        for one in beside
        if one.request.robot_id != "flood" and one.request.key in alone
    ]
    assert len(longer_s) >= len(alone) - ROBOTS  # the flood may be last when all is over
    assert max(longer_s) <= most_s + 1e-9
    assert len(beside) >= 0.99 * CAPACITY  # and it gets what is left


def test_a_flood_that_rides_along_costs_the_others_the_batch_that_they_meet() -> None:
    def takes_s(size: int) -> float:
        return 0.09 + 0.01 * size

    calm = asks(0.8, within_s=20 * ONE_S)
    alone = {one.request.key: one.delay_s for one in run(queue(4), calm, takes_s)}
    beside = run(queue(4), [*calm, *flood(20 * ONE_S)], takes_s)
    longer_s = [one.delay_s - alone[one.request.key] for one in beside if one.request.key in alone]
    assert max(longer_s) <= takes_s(4) + takes_s(1)
    assert np.mean(longer_s) <= takes_s(1) / 2


def steady(size: int) -> float:
    return ONE_S * size


def uneven() -> Callable[[int], float]:
    rng = np.random.default_rng(9)
    return lambda size: size * ONE_S * float(rng.uniform(0.7, 1.3))


LOADS = (0.9, 1.5, 3.0)
WITHIN_S = 5 * ONE_S


def goodput(load: float, takes_s: Callable[[int], float], *, fifo: bool = False) -> int:
    policy = Fifo() if fifo else queue()
    answered = run(policy, asks(load, within_s=WITHIN_S), takes_s)
    return sum(one.in_time for one in answered)


def test_there_are_no_fewer_answers_in_time_the_more_is_asked() -> None:
    found = [goodput(load, steady) for load in LOADS]
    assert found == sorted(found)
    assert found[0] >= 0.99 * LOADS[0] * CAPACITY
    assert found[-1] >= 0.99 * CAPACITY


def test_runs_of_uneven_length_change_little_about_that() -> None:
    found = [goodput(load, uneven()) for load in LOADS]
    assert found == sorted(found)
    # What is promised on the mean run and its deviation fails where a run is longer than that; a
    # run whose answer is late is lost.
    assert found[-1] >= 0.85 * CAPACITY


@pytest.mark.parametrize("load", LOADS[1:])
def test_first_in_first_out_collapses(load: float) -> None:
    # Waiting grows by load - 1 a second until it is longer than anybody's patience, and for good.
    lasts_s = (WITHIN_S - ONE_S) / (load - 1.0)
    jitter = ROBOTS  # a robot's requests are up to a fifth of a period off
    assert goodput(load, steady, fifo=True) <= load / ONE_S * lasts_s + jitter


def test_batches_carry_what_one_by_one_could_not() -> None:
    def takes_s(size: int) -> float:
        return 0.09 + 0.01 * size

    wanted = asks(3.0, within_s=10 * ONE_S)
    together, apart = (
        sum(good(run(queue(size), wanted, takes_s)).values()) for size in (ROBOTS, 1)
    )
    assert apart <= CAPACITY + 10  # the last ones have some time after all have asked
    assert together >= 0.95 * len(wanted)
