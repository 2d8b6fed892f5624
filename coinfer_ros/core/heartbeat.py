# SPDX-License-Identifier: Apache-2.0
"""What heartbeats tell: whether an edge is there, whether it will do, and how far away it is.

Pure: the caller says what time it is. Durations only: a beat is sent and its echo received on one
clock, and the edge says how long it held it.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass

import numpy as np

BEATS_A_SECOND = 5.0
_REMEMBERED = 100


@dataclass(frozen=True)
class EdgeBeat:
    """One heartbeat of an edge, as one robot reads it.

    :param life: another one tells that the edge began anew.
    :param ready: it takes embeddings now.
    :param reason: why it is not ready, or why it is no match for this robot; empty: it is.
    :param beat: the newest beat of this robot that it heard, 0: none.
    :param held_s: how long ago that was, s.
    :param request: the newest request of this robot that it knows, 0: none.
    :param matches: false where it is of another model, cut or version of the messages.
    """

    life: int
    ready: bool
    reason: str
    beat: int = 0
    held_s: float = 0.0
    request: int = 0
    matches: bool = True


class EdgeWatch:
    """One edge, watched.

    :param name: the edge's.
    :param silence_s: without a heartbeat for so long it is gone, s.
    """

    def __init__(self, name: str, *, silence_s: float) -> None:
        self.name, self.silence_s = name, silence_s
        self._beat: EdgeBeat | None = None
        self._heard_s = -math.inf

    def heard(self, beat: EdgeBeat, now_s: float) -> None:
        """Take a heartbeat."""
        self._beat, self._heard_s = beat, now_s

    @property
    def matches(self) -> bool:
        """False where it is of another model, cut or version of the messages."""
        return self._beat is None or self._beat.matches

    @property
    def life(self) -> int:
        """The edge's life, 0: never heard."""
        return self._beat.life if self._beat else 0

    @property
    def request(self) -> int:
        """The newest request of this robot that the edge has said to know."""
        return self._beat.request if self._beat else 0

    @property
    def heard_s(self) -> float:
        """When it was last heard, s."""
        return self._heard_s

    def trouble(self, now_s: float) -> str:
        """Return why it cannot be asked now; empty: it can."""
        if self._beat is None:
            return f"edge {self.name!r} has not been heard yet"
        if now_s - self._heard_s > self.silence_s:
            return f"edge {self.name!r} has been silent for {now_s - self._heard_s:.1f} s"
        if not self._beat.ready or self._beat.reason:
            return f"edge {self.name!r}: {self._beat.reason or 'not ready'}"
        return ""


class RoundTrips:
    """The way to an edge and back, measured by beats and their echoes."""

    def __init__(self) -> None:
        self._sent_s: OrderedDict[int, float] = OrderedDict()
        self._recent: deque[float] = deque(maxlen=_REMEMBERED)
        self._fresh: deque[float] = deque(maxlen=_REMEMBERED)

    def sent(self, beat: int, now_s: float) -> None:
        """Note a beat that is sent now."""
        self._sent_s[beat] = now_s
        while len(self._sent_s) > _REMEMBERED:
            self._sent_s.popitem(last=False)

    def echoed(self, beat: int, held_s: float, now_s: float) -> None:
        """Note the echo of a beat; each counts once, and one that cannot be is left out."""
        sent_s = self._sent_s.pop(beat, None)
        if sent_s is None or not 0.0 <= held_s <= now_s - sent_s:
            return
        round_trip_s = now_s - sent_s - held_s
        self._recent.append(round_trip_s)
        self._fresh.append(round_trip_s)

    def take_median(self) -> float:
        """Return the median since the last call, s; NaN: there was none."""
        median_s = float(np.median(self._fresh)) if self._fresh else math.nan
        self._fresh.clear()
        return median_s

    @property
    def p95_s(self) -> float:
        """95th percentile of the last ones, s; NaN: there was none."""
        return float(np.percentile(self._recent, 95)) if self._recent else math.nan
