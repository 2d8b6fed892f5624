# SPDX-License-Identifier: Apache-2.0
"""How long a change of bit-width takes: to prepare beside the frames, to swap between two."""

from __future__ import annotations

import math
import time

from bench import shipped
from bench.options import Options
from bench.section import Section
from bench.stats import PERCENTILES, spread
from coinfer_ros.adapters.stages import HeadStage
from coinfer_ros.adapters.unmetered import Unmetered
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.model import WEIGHT_BITS

POLL_S = 0.0002
LONGEST_S = 60.0


def measure(options: Options) -> Section:
    """Go round the widths, with a frame after each."""
    head, image = shipped.head(options), shipped.image(options)
    unmetered = Unmetered()
    stage = HeadStage(
        head, accelerator=unmetered, meter=unmetered, clock=unmetered, flop=math.nan, full_bits=16
    )
    readied_s: dict[int, list[float]] = {bits: [] for bits in WEIGHT_BITS}
    swapped_s: dict[int, list[float]] = {bits: [] for bits in WEIGHT_BITS}
    try:
        for counts in [False, *[True] * options.rounds(50, 5)]:
            for bits in WEIGHT_BITS:
                ready_s, swap_s = _switch(stage, bits)
                head.embed(image)  # as between two frames: their tensors have the caches
                if counts:
                    readied_s[bits].append(ready_s)
                    swapped_s[bits].append(swap_s)
    finally:
        stage.close()
    heads = [
        f"{what} {p}, {unit}"
        for what, unit in (("ready", "ms"), ("swap", "µs"))
        for p in PERCENTILES
    ]
    return Section(
        title="Changing the bit-width",
        columns=("bits", *heads),
        rows=tuple(
            (
                str(bits),
                *spread(readied_s[bits]).cells(1e3, 1),
                *spread(swapped_s[bits]).cells(1e6, 0),
            )
            for bits in WEIGHT_BITS
        ),
        reading=(
            "Shipped model. Ready: from `HeadStage.want` until the weights are quantized, in a "
            "thread beside the frames, here with no frame running. Swap: what `HeadStage.switch` "
            "holds up the frames between two of them."
        ),
    )


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
