# SPDX-License-Identifier: Apache-2.0
"""Does pieces of work in several processes until all are done, or until Ctrl-C."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from coinfer_ros.core.errors import CoinferError
from coinfer_ros.tools.training.interrupts import ignore_interrupts

LOOK_S = 0.2  # how often a wait looks for Ctrl-C
AHEAD = 2  # pieces a process that are handed out at a time
Piece = TypeVar("Piece")
Made = TypeVar("Made")


def run_all(
    work: Callable[[Piece], Made],
    pieces: Iterable[Piece],
    *,
    workers: int,
    stopping: Callable[[], bool],
    done: Callable[[Piece, Made], None],
) -> None:
    """Do each piece once, in any order.

    :param work: what is done with a piece, in another process.
    :param workers: processes.
    :param stopping: true once nothing new is to begin; what has begun is ended.
    :param done: called with each piece and what came of it.
    :raises CoinferError: whatever a piece raised, or when a process was killed.
    """
    # Neither torch nor a graphics context survives a fork.
    context = multiprocessing.get_context("spawn")
    waiting: dict[Future[Made], Piece] = {}
    left = iter(pieces)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=begin_worker) as pool:
        try:
            while True:
                free = 0 if stopping() else AHEAD * workers - len(waiting)
                for piece in islice(left, free):
                    waiting[pool.submit(work, piece)] = piece
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


def begin_worker() -> None:
    """Make a process fit for one of several: one thread each, and deaf to Ctrl-C."""
    ignore_interrupts()
    # Mesa's software renderer takes a thread a core, which several at a time slow down.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    import torch  # noqa: PLC0415  takes seconds

    torch.set_num_threads(1)
