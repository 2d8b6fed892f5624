# SPDX-License-Identifier: Apache-2.0
"""How long a change of bit-width takes, of a head of GIT-base's size and of the shipped one."""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench import shipped
from bench.git_base import checkpoint
from bench.options import Options
from bench.section import Section, verdict
from bench.stats import PERCENTILES, spread
from coinfer_ros.adapters.models import VisionHead, open_head
from coinfer_ros.adapters.stages import HeadStage
from coinfer_ros.adapters.unmetered import Unmetered
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.model import WEIGHT_BITS

POLL_S = 0.0002
LONGEST_S = 60.0
LONGEST_FIRST_S, LONGEST_SWAP_S, MOST_STORED = 0.5, 0.005, 1.1


def measure(options: Options) -> Section:
    """Go round the widths, with a frame after each."""
    small = shipped.head(options)
    with checkpoint(layers=options.layers(12)) as folder:
        large = open_head(folder)
        size = f"{large.store.weights / 1e6:.0f} M"
        stored = large.store.nbytes / large.store.weights
        found = {size: _rounds(large, options.rounds(10, 1), _picture())}
    rounds = options.rounds(50, 5)
    found[f"{small.store.weights / 1e6:.1f} M"] = _rounds(small, rounds, shipped.image(options))
    first_s = max(statistics.median(times.first_s) for times in found[size].values())
    swap_s = max(max(times.swap_s) for times in found[size].values())
    heads = [f"{what} {p}, ms" for what in ("ready", "first", "swap") for p in PERCENTILES]
    return Section(
        title="Changing the bit-width",
        columns=("weights", "bits", "runs on", *heads),
        rows=tuple(
            (
                weights,
                str(bits),
                times.backend,
                *spread(times.ready_s).cells(1e3, 1),
                *spread(times.first_s).cells(1e3, 1),
                *spread(times.swap_s).cells(1e3, 2),
            )
            for weights, widths in found.items()
            for bits, times in widths.items()
        ),
        verdicts=(
            verdict(
                f"first frame at the new width of {size} weights within 0.5 s of the command",
                met=first_s <= LONGEST_FIRST_S,
                seen=f"{first_s:.2f} s at the slowest width, median",
            ),
            verdict(
                "the swap itself within 5 ms",
                met=swap_s <= LONGEST_SWAP_S,
                seen=f"{swap_s * 1e3:.1f} ms at most",
            ),
            verdict(
                "all widths in at most 1.1 times the bytes of an 8-bit copy",
                met=stored <= MOST_STORED,
                seen=f"{stored:.3f} bytes a weight, scales included",
            ),
        ),
        reading=(
            "Random weights of GIT-base's robot half, and the shipped model. Ready: from "
            "`HeadStage.want` until the weights are prepared, in a thread beside the frames, here "
            "with no frame running. First: until the first frame at the new width is embedded. "
            "Swap: what `HeadStage.switch` holds up the frames between two of them."
        ),
    )


@dataclass
class Times:
    """What changes to one width took, s.

    :param backend: what the weights ran on.
    """

    backend: str = ""
    ready_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    swap_s: list[float] = field(default_factory=list)


def _rounds(head: VisionHead, rounds: int, image: NDArray[np.uint8]) -> dict[int, Times]:
    unmetered = Unmetered()
    stage = HeadStage(
        head, accelerator=unmetered, meter=unmetered, clock=unmetered, flop=math.nan, full_bits=16
    )
    times = {bits: Times() for bits in WEIGHT_BITS}
    try:
        for counts in [False, *[True] * rounds]:
            for bits in WEIGHT_BITS:
                begun_s = time.monotonic()
                ready_s, swap_s = _switch(stage, bits)
                head.embed(image)
                if counts:
                    times[bits].backend = head.backend
                    times[bits].ready_s.append(ready_s)
                    times[bits].first_s.append(time.monotonic() - begun_s)
                    times[bits].swap_s.append(swap_s)
    finally:
        stage.close()
    return times


def _picture() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)


def _switch(stage: HeadStage, bits: int) -> tuple[float, float]:
    """Switch to ``bits``; return the seconds until the weights were ready, and of the swap."""
    begun_s = time.monotonic()
    stage.want(bits)
    while stage.bits != bits:
        if time.monotonic() - begun_s > LONGEST_S:
            raise Unavailable(f"{bits} bits were not ready within {LONGEST_S:.0f} s")
        time.sleep(POLL_S)
        stage.switch()
    return time.monotonic() - begun_s - stage.switch_s, stage.switch_s
