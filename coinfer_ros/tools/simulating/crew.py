# SPDX-License-Identifier: Apache-2.0
"""Runs episodes in several processes until all are there, or until Ctrl-C."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from coinfer_ros.core.errors import CoinferError
from coinfer_ros.sim.task.record import Record
from coinfer_ros.tools.simulating.cases import Case
from coinfer_ros.tools.simulating.ledger import Key
from coinfer_ros.tools.simulating.worker import Experiment, begin_worker, run_episode

LOOK_S = 0.2  # how often a wait looks for Ctrl-C
AHEAD = 2  # episodes a process that are handed out at a time


def run_all(
    experiment: Experiment,
    todo: Iterable[tuple[Case, int]],
    *,
    workers: int,
    stopping: Callable[[], bool],
    done: Callable[[Key, Record], None],
) -> None:
    """Run episodes, each once, in any order.

    :param todo: cases with an episode's number each.
    :param workers: processes.
    :param stopping: true once nothing new is to begin; what has begun is ended.
    :param done: called with each episode.
    :raises CoinferError: whatever an episode raised, or when a process was killed.
    """
    # Neither torch nor a graphics context survives a fork.
    context = multiprocessing.get_context("spawn")
    waiting: dict[Future[Record], Key] = {}
    left = iter(todo)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker) as pool:
        try:
            while True:
                free = 0 if stopping() else AHEAD * workers - len(waiting)
                for case, number in islice(left, free):
                    future = pool.submit(run_episode, experiment, case, number)
                    waiting[future] = case.name, number
                if not waiting:
                    return
                for future in wait(waiting, LOOK_S, FIRST_COMPLETED).done:
                    done(waiting.pop(future), future.result())
        except BrokenProcessPool as error:
            raise CoinferError(
                "a process of the experiment was killed, by a lack of memory perhaps: fewer "
                "--workers help; the same command goes on"
            ) from error
        finally:
            for future in waiting:
                future.cancel()
