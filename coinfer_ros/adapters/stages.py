# SPDX-License-Identifier: Apache-2.0
"""Runs the two halves on their machines and measures each: time, energy, clock, bits."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters.memory import give_back
from coinfer_ros.core import wire
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.model import Generated, Head, HeadWeights, Tail
from coinfer_ros.core.ports import Accelerator, Clock, PowerMeter, PowerReading
from coinfer_ros.core.spent import Spent

T = TypeVar("T")
Unpack = Callable[[], NDArray[np.float32]]  # returns an embedding (T, C)


@dataclass(frozen=True)
class HeadReport:
    """What the head made of one image and what it took.

    :param bits: bit-width of the weights really used.
    :param backend: what executed them.
    :param clock_hz: clock read back, Hz; NaN when it changed during the stage.
    :param embedding: (T, C), of which the payload was made.
    :param window: the meter before and after the head; its joules are known best a moment later.
    """

    payload: wire.Payload
    embedding: NDArray[np.float32]
    bits: int
    backend: str
    clock_hz: float
    head_s: float
    encode_s: float
    window: tuple[PowerReading, PowerReading]

    @cached_property
    def wire_distortion(self) -> wire.Distortion:
        """What the payload lost of the embedding; measured when asked for, off the frame's way."""
        return wire.distortion(self.embedding, self.payload)


@dataclass(frozen=True)
class TailReport:
    """What the tail made of one embedding and what it took; clock_hz as in the head's report."""

    generated: Generated
    backend: str
    clock_hz: float
    decode_s: float
    tail_s: float
    spent: Spent


class HeadStage:
    """The robot's half on its machine, at a bit-width that changes between two frames.

    :param head: the model's head.
    :param flop: work of one image at ``full_bits``, FLOP.
    :param full_bits: bits of the unquantized weights; work falls with bits / full_bits, eq. (4).
    """

    def __init__(
        self,
        head: Head,
        *,
        accelerator: Accelerator,
        meter: PowerMeter,
        clock: Clock,
        flop: float,
        full_bits: int,
    ) -> None:
        self._head, self._flop, self._full_bits = head, flop, full_bits
        self._accelerator, self._meter, self._clock = accelerator, meter, clock
        self._preparer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="quantize")
        self._preparing: tuple[int, Future[HeadWeights]] | None = None
        self._changing = threading.Lock()  # plans and frames come from different threads
        self.switches = 0
        self.switch_s = 0.0

    @property
    def bits(self) -> int:
        """Bit-width now in place."""
        return self._head.bits

    def want(self, bits: int) -> None:
        """Begin to prepare another bit-width beside the running frames."""
        with self._changing:
            coming = self._preparing[0] if self._preparing else self._head.bits
            if bits != coming:
                self._preparing = (bits, self._preparer.submit(self._head.prepare, bits))

    def switch(self) -> None:
        """Between two frames: put the wanted weights in place when they are ready.

        :raises Exception: whatever preparing them raised, once.
        """
        with self._changing:
            preparing = self._preparing
            if preparing is None or not preparing[1].done():
                return
            self._preparing = None
        begun_s = time.monotonic()
        weights = preparing[1].result()
        if weights.bits != self._head.bits:
            former = self._head.use(weights)
            self.switches += 1
            self.switch_s = time.monotonic() - begun_s
            # Hundreds of MB take longer to free than to swap: that is done beside the frames.
            self._preparer.submit(_free, former)

    def run(self, image: NDArray[np.uint8], wire_bits: int) -> HeadReport:
        """Turn an RGB image (H, W, 3) into a payload for the wire."""
        bits, clock_hz = self._head.bits, self._clock.achieved().hz
        before, begun_s = self._meter.read(), time.monotonic()
        embedding = self._accelerator.run(
            self._flop * bits / self._full_bits, lambda: self._head.embed(image)
        )
        done_s, after = time.monotonic(), self._meter.read()
        clock_hz = _steady(clock_hz, self._clock.achieved().hz)
        coding_s = time.monotonic()
        payload = wire.encode(embedding, wire_bits)
        encode_s = time.monotonic() - coding_s
        return HeadReport(
            payload=payload,
            embedding=embedding,
            bits=bits,
            backend=self._head.backend,
            clock_hz=clock_hz,
            head_s=done_s - begun_s,
            encode_s=encode_s,
            window=(before, after),
        )

    def close(self) -> None:
        """Stop preparing."""
        self._preparer.shutdown(wait=True, cancel_futures=True)


class TailStage:
    """The edge's half on its machine.

    :param tail: the model's tail.
    :param flop: work of one answer, FLOP.
    """

    def __init__(
        self, tail: Tail, *, accelerator: Accelerator, meter: PowerMeter, clock: Clock, flop: float
    ) -> None:
        self._tail, self._flop = tail, flop
        self._accelerator, self._meter, self._clock = accelerator, meter, clock

    def run(self, unpack: Unpack, prompt: str) -> TailReport:
        """Unpack one embedding and answer it.

        :param unpack: returns the embedding (T, C); its time is the decoding time.
        """
        embedding, decode_s = _timed(unpack)
        return self._answer([decode_s], lambda: [self._tail.answer(embedding, prompt)])[0]

    def run_many(self, unpacks: Sequence[Unpack], prompt: str) -> list[TailReport | CoinferError]:
        """Unpack embeddings and answer them together.

        Each waited for the whole batch, so that every ``tail_s`` is the batch's; its joules are
        divided evenly. One that cannot be unpacked gets its error and costs the others nothing.

        :param unpacks: see :meth:`run`.
        :returns: what became of each, in their order.
        """
        unpacked = [_tried(unpack) for unpack in unpacks]
        sound = [one for one in unpacked if not isinstance(one, CoinferError)]
        embeddings, decode_s = [one[0] for one in sound], [one[1] for one in sound]
        reports = iter(
            self._answer(decode_s, lambda: self._tail.answer_many(embeddings, prompt))
            if sound
            else ()
        )
        return [one if isinstance(one, CoinferError) else next(reports) for one in unpacked]

    def _answer(
        self, decode_s: list[float], work: Callable[[], list[Generated]]
    ) -> list[TailReport]:
        """Do the work of as many answers as there are decoding times, and measure it."""
        clock_hz, members = self._clock.achieved().hz, len(decode_s)
        before = self._meter.read()
        generated, tail_s = _timed(lambda: self._accelerator.run(members * self._flop, work))
        spent = self._meter.spent(before, self._meter.read())
        clock_hz = _steady(clock_hz, self._clock.achieved().hz)
        share = Spent(*(joules / members for joules in astuple(spent)))
        return [
            TailReport(one, self._tail.backend, clock_hz, one_s, tail_s, share)
            for one, one_s in zip(generated, decode_s, strict=True)
        ]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    begun_s = time.monotonic()
    return work(), time.monotonic() - begun_s


def _tried(unpack: Unpack) -> tuple[NDArray[np.float32], float] | CoinferError:
    try:
        return _timed(unpack)
    except CoinferError as error:
        return error


def _free(former: list[object]) -> None:
    former.clear()
    give_back()


def _steady(before_hz: float, after_hz: float) -> float:
    return after_hz if before_hz == after_hz else math.nan
