# SPDX-License-Identifier: Apache-2.0
"""One thread beside the executor, fed by a queue of one in which the newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from coinfer_ros.core.errors import PeerTimeout

T = TypeVar("T")
JOIN_S = 5.0


class Newest(Generic[T]):
    """A queue of one: a newer item replaces the waiting one, which is counted."""

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._items: list[T] = []
        self.arrived = 0
        self.replaced = 0

    def put(self, item: T) -> None:
        """Leave ``item`` for the worker."""
        with self._ready:
            self.arrived += 1
            self.replaced += len(self._items)
            self._items = [item]
            self._ready.notify()

    def take(self, timeout_s: float) -> T | None:
        """Return the waiting item, None when none came in time."""
        with self._ready:
            self._ready.wait_for(lambda: bool(self._items), timeout_s)
            return self._items.pop() if self._items else None


class Worker:
    """Calls ``turn`` again and again in a thread of its own until closed.

    :param turn: does one piece of work; waits at most a fraction of a second for it.
    :param failed: told of an exception that ``turn`` let out; the worker goes on.
    """

    def __init__(self, turn: Callable[[], None], failed: Callable[[Exception], None]) -> None:
        self._turn, self._failed = turn, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        """Begin; what ``turn`` uses must be there by now."""
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """True once the worker has been asked to end."""
        return self._stop.is_set()

    def sleep(self, seconds: float) -> None:
        """Wait in a turn, no longer than until the worker is asked to end."""
        self._stop.wait(seconds)

    def close(self) -> None:
        """Ask the thread to end and wait for it."""
        self._stop.set()
        self._thread.join(timeout=JOIN_S)
        if self._thread.is_alive():
            raise PeerTimeout(f"the worker must end within {JOIN_S} s, got one that still runs")

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self._turn()
            except Exception as error:
                self._failed(error)
