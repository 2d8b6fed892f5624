# SPDX-License-Identifier: Apache-2.0
"""How many answers a second the edge's half gives to one question, together and one by one."""

from __future__ import annotations

import time

import torch

from bench import shipped
from bench.options import Options
from bench.section import Section
from bench.stats import PERCENTILES, spread
from coinfer_ros.adapters.models import LanguageTail

SIZES = (1, 2, 4, 8)


def measure(options: Options) -> Section:
    """Time batches of every size in turn, so that what else the machine does meets them all."""
    tail = shipped.tail(options)
    embedding = shipped.head(options).embed(shipped.image(options))
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for counts in [False, *[True] * options.rounds(50, 2)]:
        for size in SIZES:
            begun_s = time.perf_counter()
            said = tail.answer_many([embedding] * size, "")
            if counts:
                seconds[size].append(time.perf_counter() - begun_s)
    spreads = {size: spread(found) for size, found in seconds.items()}
    return Section(
        title="Answers together",
        columns=(
            "batch",
            *(f"batch {p}, ms" for p in PERCENTILES),
            "answers a second",
            "times as many",
        ),
        rows=tuple(
            (
                str(size),
                *found.cells(1e3, 1),
                f"{size / found.p50:.0f}",
                f"{size * spreads[1].p50 / found.p50:.2f}",
            )
            for size, found in spreads.items()
        ),
        reading=(
            f"The shipped edge half, {tail.backend}, {_threads()}; one image of the clip in "
            f"every place, whose answer has {said[0].tokens} tokens, and one prompt. Answers a "
            "second: of the median batch. Every member waits for the whole batch. "
            f"{_how(tail)}"
        ),
    )


def _threads() -> str:
    count = torch.get_num_threads()
    return "1 thread" if count == 1 else f"{count} threads"


def _how(tail: LanguageTail) -> str:
    if tail.batches:
        return "All answers of a batch are made in one run of the model."
    return "This model's code knows one image alone: its answers are made one after another."
