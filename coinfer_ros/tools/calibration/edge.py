# SPDX-License-Identifier: Apache-2.0
"""What is measured of an edge's half: its weights, and the time of whole answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters import half_weights
from coinfer_ros.adapters.checkpoint import open_checkpoint
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.core import wire
from coinfer_ros.core.model import Tail
from coinfer_ros.tools.calibration.asked import Asked, Visit
from coinfer_ros.tools.calibration.bench import Bench
from coinfer_ros.tools.calibration.steps import Step, Tick


class EdgeHalf:
    """Measures a tail.

    :param asked: what is wanted.
    :param tail: the half.
    :param embeddings: what it answers, one or more, made by the head at full width: how long an
        answer is, and so how long it takes, depends on what is seen.
    :param bench: the machine.
    """

    def __init__(
        self,
        asked: Asked,
        tail: Tail,
        *,
        embeddings: list[NDArray[np.float32]],
        bench: Bench,
    ) -> None:
        self._asked, self._tail, self._bench = asked, tail, bench
        self._embeddings = embeddings

    def steps(self) -> Iterator[Step]:
        """Yield every measurement."""
        tensors = len(open_checkpoint(self._asked.folder).places)
        yield Step("laws", tensors, "weights' law", self._laws)
        yield Step("wire", 1, "bytes on the wire", self._wire)
        for visit in self._asked.visits():
            yield Step(visit.key, visit.runs, "time of answers", partial(self._time, visit))

    def _laws(self, tick: Tick) -> list[dict[str, Any]]:
        names = open_model(self._asked.folder, cut=self._asked.info.cut).tail_keys()
        return [vars(law) for law in half_weights.laws(self._asked.folder, names, tick)]

    def _wire(self, tick: Tick) -> dict[str, int]:
        tick()
        return {
            str(bits): wire.encode(self._embeddings[0], bits).size_bytes for bits in wire.WIRE_BITS
        }

    def _time(self, visit: Visit, tick: Tick) -> dict[str, Any]:
        shown = self._embeddings
        self._tail.answer(shown[0], "")  # the first run takes longer
        self._bench.reach(visit.clock_hz)
        return self._bench.runs(
            lambda number: self._tail.answer(shown[number % len(shown)], "").tokens,
            flop=self._asked.flop,
            count=visit.runs,
            first=visit.first,
            tick=tick,
        )
