# SPDX-License-Identifier: Apache-2.0
"""All that a recorder tells, each message with the time at which it came."""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import IO

from coinfer_ros.core.errors import PeerTimeout


@dataclass(frozen=True)
class Heard:
    """One message.

    :param at_s: when it came, this machine's monotonic time, s.
    :param message: its fields by name; what is not known is None.
    """

    at_s: float
    message: SimpleNamespace


class Ear:
    """Listens to a recorder's lines in a thread of its own until they end.

    Topics are named as the recorder names them, ``diagnostics`` among them.
    """

    def __init__(self, lines: IO[str]) -> None:
        self._lines = lines
        self._heard: dict[str, list[Heard]] = {}
        self._news = threading.Condition()  # of a lock that may be taken twice
        threading.Thread(target=self._listen, daemon=True).start()

    def all(self, topic: str, *, since_s: float = 0.0, until_s: float = math.inf) -> list[Heard]:
        """Return the messages that came in [since_s, until_s)."""
        with self._news:
            return [h for h in self._heard.get(topic, []) if since_s <= h.at_s < until_s]

    def first(
        self,
        topic: str,
        wanted: Callable[[SimpleNamespace], bool],
        *,
        since_s: float,
        timeout_s: float,
    ) -> Heard:
        """Return the first message since then that is wanted, and wait until there is one.

        :raises PeerTimeout: when there is none ``timeout_s`` from now; shows the newest.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._news:
            while True:
                for heard in self.all(topic, since_s=since_s):
                    if wanted(heard.message):
                        return heard
                left_s = deadline_s - time.monotonic()
                if left_s <= 0.0:
                    break
                self._news.wait(left_s)
        raise PeerTimeout(
            f"the message on {topic} that is awaited must come within {timeout_s:g} s, "
            f"got last: {self.all(topic)[-1:]}"
        )

    def _listen(self) -> None:
        for line in self._lines:
            with contextlib.suppress(json.JSONDecodeError):  # a library's own print
                told = json.loads(line)
                heard = Heard(told["at_s"], SimpleNamespace(**told["message"]))
                with self._news:
                    self._heard.setdefault(told["topic"], []).append(heard)
                    self._news.notify_all()
