# SPDX-License-Identifier: Apache-2.0
"""The last moments of a camera, thinned to the few frames that a video model looks at."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from coinfer_ros.core import checks

T = TypeVar("T")
# Kept for each frame shown: a frame's time is then off by an eighth of the frames' distance.
KEPT_A_FRAME = 4


class Clip(Generic[T]):
    """Keeps what a camera saw during a span of time, and picks evenly spaced frames of it.

    :param frames: F, how many are picked.
    :param span_s: time from the first to the last of them, s.
    :raises InvalidInput: when an argument breaks its rule.
    """

    def __init__(self, *, frames: int, span_s: float) -> None:
        self._frames = checks.whole("frames", frames, low=1, high=1000)
        self._span_s = checks.number("span_s", span_s, above=0.0, unit="s")
        self._kept: deque[tuple[float, T]] = deque()

    def add(self, item: T, *, at_s: float) -> None:
        """Keep a frame.

        :param at_s: when it was seen, s; an earlier time than the last one's begins anew.
        """
        if self._kept and at_s < self._kept[-1][0]:
            self._kept.clear()
        distance_s = self._span_s / (KEPT_A_FRAME * self._frames)
        # The last two nearer than that: the one between is not missed.
        if len(self._kept) > 1 and at_s - self._kept[-2][0] < distance_s:
            self._kept.pop()
        self._kept.append((at_s, item))
        while len(self._kept) > 1 and self._kept[1][0] <= at_s - self._span_s:
            self._kept.popleft()

    def pick(self) -> list[T]:
        """Return F frames, oldest first, the last one the newest; none when nothing was seen.

        While less than the span has been seen, the oldest frame stands for what came before it.
        """
        if not self._kept:
            return []
        last_s = self._kept[-1][0]
        step_s = self._span_s / max(1, self._frames - 1)
        wanted = [last_s - step_s * index for index in reversed(range(self._frames))]
        return [self._nearest(at_s) for at_s in wanted]

    def _nearest(self, at_s: float) -> T:
        return min(self._kept, key=lambda kept: abs(kept[0] - at_s))[1]
