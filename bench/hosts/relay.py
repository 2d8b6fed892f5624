# SPDX-License-Identifier: Apache-2.0
"""Program that carries frames between two TAP interfaces and impairs them: netem without netem.

For kernels without ``sch_netem``. ``relay.py FIRST SECOND`` has the interfaces open as descriptors
and reads, a line each from stdin, the fields of an Impairment as a JSON object, which holds from
then on and is answered by a line; it ends with its stdin.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import os
import random
import select
import sys
import time
from dataclasses import dataclass, field

LONGEST_FRAME_BYTES = 65_536
# As netem's own default: more packets than this under way are dropped at the tail.
LIMIT_PACKETS = 1000
UNIMPAIRED = {
    "delay_ms": 0.0,
    "jitter_ms": 0.0,
    "loss_percent": 0.0,
    "reorder_percent": 0.0,
    "rate_mbit": math.inf,
}


@dataclass
class Direction:
    """Frames on their way from one interface to the other.

    :param source: descriptor that they come from.
    :param sink: descriptor that they go to.
    """

    source: int
    sink: int
    rng: random.Random
    _under_way: list[tuple[float, int, bytes]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _sent_s: float = 0.0  # when the last frame that the rate holds back will be on the wire

    def take(self, link: dict[str, float]) -> None:
        """Take all frames that wait at the source."""
        while True:
            try:
                frame = os.read(self.source, LONGEST_FRAME_BYTES)
            except BlockingIOError:
                return
            self._put(frame, link, time.monotonic())

    def _put(self, frame: bytes, link: dict[str, float], now_s: float) -> None:
        draw = self.rng.random
        if 100.0 * draw() < link["loss_percent"] or len(self._under_way) >= LIMIT_PACKETS:
            return
        due_s = now_s
        if 100.0 * draw() >= link["reorder_percent"]:
            delay_ms = link["delay_ms"] + link["jitter_ms"] * (2.0 * draw() - 1.0)
            rate_bps = 1e6 * link["rate_mbit"]
            self._sent_s = max(self._sent_s, now_s) + 8.0 * len(frame) / rate_bps
            due_s = self._sent_s + 1e-3 * delay_ms
        heapq.heappush(self._under_way, (due_s, next(self._numbers), frame))

    def give(self) -> None:
        """Pass on all frames that are due."""
        while self._under_way and self._under_way[0][0] <= time.monotonic():
            _, _, frame = heapq.heappop(self._under_way)
            try:
                os.write(self.sink, frame)
            except OSError:  # its interface is down or full: lost, as on a wire
                continue

    @property
    def due_s(self) -> float:
        """When the next frame is due, s; infinity: there is none."""
        return self._under_way[0][0] if self._under_way else math.inf


def main(arguments: list[str]) -> None:
    """Carry frames until stdin ends."""
    first, second = map(int, arguments)
    for descriptor in (first, second):
        os.set_blocking(descriptor, False)
    ways = (
        Direction(first, second, random.Random(1)),  # noqa: S311 - the same losses every time
        Direction(second, first, random.Random(2)),  # noqa: S311
    )
    link = UNIMPAIRED
    while True:
        wait_s = min(way.due_s for way in ways) - time.monotonic()
        timeout_s = None if wait_s == math.inf else max(wait_s, 0.0)
        ready, _, _ = select.select([first, second, sys.stdin], [], [], timeout_s)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            link = json.loads(line)
            sys.stdout.write("done\n")
            sys.stdout.flush()
        for way in ways:
            if way.source in ready:
                way.take(link)
            way.give()


if __name__ == "__main__":
    main(sys.argv[1:])
