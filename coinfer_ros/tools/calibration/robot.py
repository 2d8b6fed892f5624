# SPDX-License-Identifier: Apache-2.0
"""What is measured of a robot's half: its weights, its embedding's error, its answers, its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters import half_weights
from coinfer_ros.adapters.checkpoint import open_checkpoint
from coinfer_ros.adapters.plain_head import PlainHead
from coinfer_ros.core import quantizers, wire
from coinfer_ros.core.model import FULL_BITS, Head, HeadWeights, Tail
from coinfer_ros.tools.calibration import quality
from coinfer_ros.tools.calibration.asked import QUANTIZERS, Asked, Visit
from coinfer_ros.tools.calibration.bench import Bench
from coinfer_ros.tools.calibration.inputs import Image
from coinfer_ros.tools.calibration.steps import Step, Tick
from coinfer_ros.tools.held_out import Example


class RobotHalf:
    """Measures a head.

    :param asked: what is wanted.
    :param head: the half.
    :param images: what it is shown, one or more.
    :param examples: what its answers are scored on; may be none.
    :param open_tail: opens the other half, which answers.
    :param bench: the machine.
    """

    def __init__(
        self,
        asked: Asked,
        head: Head,
        *,
        images: list[Image],
        examples: list[Example],
        open_tail: Callable[[], Tail],
        bench: Bench,
    ) -> None:
        self._asked, self._head, self._bench = asked, head, bench
        self._images, self._examples, self._open_tail = images, examples, open_tail
        self._weights: HeadWeights | None = None

    def steps(self) -> Iterator[Step]:
        """Yield every measurement."""
        asked, shown, scored = self._asked, len(self._images), len(self._examples)
        tensors = len(open_checkpoint(asked.folder).places)
        yield Step("laws", tensors, "weights' law", self._laws)
        yield Step("wire", 1, "bytes on the wire", self._wire)
        for one in self._compared():
            key, title = "quantizer/{}/{}".format(*one), "{} at {} bits".format(*one)
            yield Step(key, shown, title, partial(self._quantizer, *one))
        for bits in asked.widths:
            served, title = partial(self._served, bits), f"embedding at {bits} bits"
            yield Step(f"served/{bits}", shown, title, served)
        for bits in asked.widths if scored else ():
            answered, title = partial(self._quality, bits), f"answers at {bits} bits"
            yield Step(f"quality/{bits}", scored, title, answered)
        for visit in asked.visits():
            timed, title = partial(self._time, visit), f"time at {visit.bits} bits"
            yield Step(visit.key, visit.runs, title, timed)

    @cached_property
    def _names(self) -> list[str]:
        """The checkpoint's names of the weights that are quantized."""
        quantized = self._head.prepare(min(self._asked.widths)).tensors
        return half_weights.stored_names(self._asked.folder, quantized, cut=self._asked.info.cut)

    @cached_property
    def _reference(self) -> list[NDArray[np.float64]]:
        """The embeddings at full width."""
        self._in_place(FULL_BITS)
        return [self._head.embed(image).astype(np.float64) for image in self._images]

    @cached_property
    def _plain(self) -> PlainHead:
        return PlainHead(self._asked.folder, self._images, cut=self._asked.info.cut)

    @cached_property
    def _tail(self) -> Tail:
        return self._open_tail()

    def _compared(self) -> Iterator[tuple[str, int]]:
        for name in QUANTIZERS:
            known = quantizers.QUANTIZERS[name]
            for bits in self._asked.widths:
                if known.bits_low <= bits <= known.bits_high:
                    yield name, bits

    def _in_place(self, bits: int) -> HeadWeights:
        """Put a width in place and run once for nothing: the first run takes longer."""
        if self._weights is None or self._weights.bits != bits:
            self._weights = self._head.prepare(bits)
            self._head.use(self._weights)
        self._head.embed(self._images[0])
        return self._weights

    def _laws(self, tick: Tick) -> list[dict[str, Any]]:
        found = half_weights.laws(self._asked.folder, frozenset(self._names), tick)
        return [vars(law) for law in found]

    def _wire(self, tick: Tick) -> dict[str, int]:
        embedding = self._reference[0].astype(np.float32)
        tick()
        return {str(bits): wire.encode(embedding, bits).size_bytes for bits in wire.WIRE_BITS}

    def _quantizer(self, quantizer: str, bits: int, tick: Tick) -> dict[str, float]:
        found = self._plain.distortion(quantizer, bits, tick)
        return {
            "parameter": found.parameter.mean,
            "output": found.mean,
            "output_share": found.relative,
        }

    def _served(self, bits: int, tick: Tick) -> dict[str, Any]:
        reference, weights = self._reference, self._in_place(bits)
        errors = []
        for image, before in zip(self._images, reference, strict=True):
            errors.append(float(np.abs(self._head.embed(image) - before).sum()))
            tick()
        return {
            "kernel": weights.backend,
            "parameter": weights.distortion,
            "errors": errors,
            "norms": [float(np.abs(before).sum()) for before in reference],
        }

    def _quality(self, bits: int, tick: Tick) -> dict[str, Any]:
        self._in_place(bits)
        texts = quality.answers(self._head, self._tail, self._examples, tick)
        return quality.scores(texts, self._examples)

    def _time(self, visit: Visit, tick: Tick) -> dict[str, Any]:
        self._in_place(visit.bits)
        self._bench.reach(visit.clock_hz)
        taken = self._bench.runs(
            lambda number: self._head.embed(self._images[number % len(self._images)]),
            flop=self._asked.flop_at(visit.bits),
            count=visit.runs,
            first=visit.first,
            tick=tick,
        )
        return {**taken, "results": None}
