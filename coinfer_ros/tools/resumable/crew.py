# SPDX-License-Identifier: Apache-2.0
"""Does pieces of work in several processes until all are done, or until Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from typing import Any, Generic, TypeVar

from coinfer_ros.core.errors import CoinferError
from coinfer_ros.tools.training.interrupts import ignore_interrupts

LOOK_S = 0.2  # how often a wait looks for Ctrl-C
AHEAD = 2  # pieces a process that are handed out at a time
# A native library under a piece (a renderer, a kernel) may crash once in thousands, and the same
# piece then goes well in another process; what kills one after another will go on to.
DEATHS_MOST = 3  # without a piece done in between
Piece = TypeVar("Piece")
Made = TypeVar("Made")


def run_all(
    work: Callable[[Piece], Made],
    pieces: Iterable[Piece],
    *,
    workers: int,
    stopping: Callable[[], bool],
    done: Callable[[Piece, Made], None],
    lost: Callable[[str], None],
) -> None:
    """Do each piece once, in any order; what a process that dies had in hand is done again.

    :param work: what is done with a piece, in another process.
    :param workers: processes.
    :param stopping: true once nothing new is to begin; what has begun is ended.
    :param done: called with each piece and what came of it.
    :param lost: called with a sentence when a process died.
    :raises CoinferError: whatever a piece raised, or when one process after another dies.
    """
    left, again, deaths = iter(pieces), deque[Piece](), 0
    while True:
        with _Pool(work, workers) as pool:
            for piece, made in pool.results(chain(_popped(again), left), stopping):
                deaths = 0
                done(piece, made)
        if not pool.unfinished:
            return
        deaths += 1
        again.extend(pool.unfinished)
        if deaths == DEATHS_MOST:
            raise CoinferError(
                f"{deaths} processes of the experiment died one after another, by a lack of memory "
                "perhaps: fewer --workers help; the same command goes on"
            )
        lost(f"a process died; what it had in hand is done again ({len(again)} pieces)")


class _Pool(Generic[Piece, Made]):
    """Processes that live until one of them dies.

    :ivar unfinished: what was handed out and not done when one died.
    """

    def __init__(self, work: Callable[[Piece], Made], workers: int) -> None:
        # Neither torch nor a graphics context survives a fork.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker)
        self._work, self._workers = work, workers
        self._waiting: dict[Future[Made], Piece] = {}
        self.unfinished: list[Piece] = []

    def __enter__(self) -> _Pool[Piece, Made]:
        self._pool.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        for future in self._waiting:
            future.cancel()
        self._pool.__exit__(*reason)

    def results(
        self, pieces: Iterator[Piece], stopping: Callable[[], bool]
    ) -> Iterator[tuple[Piece, Made]]:
        """Do pieces until all are done, none is to begin any more, or a process dies."""
        try:
            while True:
                free = 0 if stopping() else AHEAD * self._workers - len(self._waiting)
                for piece in islice(pieces, free):
                    self.unfinished = [piece]  # until a process has it: handing over may fail, too
                    self._waiting[self._pool.submit(self._work, piece)] = piece
                    self.unfinished = []
                if not self._waiting:
                    return
                for future in wait(self._waiting, LOOK_S, FIRST_COMPLETED).done:
                    made = future.result()
                    yield self._waiting.pop(future), made
        except BrokenProcessPool:
            self.unfinished += self._waiting.values()


def _popped(queue: deque[Piece]) -> Iterator[Piece]:
    while queue:
        yield queue.popleft()


def begin_worker() -> None:
    """Make a process fit for one of several: one thread each, and deaf to Ctrl-C."""
    ignore_interrupts()
    # Mesa's software renderer takes a thread a core, which several at a time slow down.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    import torch  # noqa: PLC0415  takes seconds

    torch.set_num_threads(1)
