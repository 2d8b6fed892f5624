# SPDX-License-Identifier: Apache-2.0
"""How long a user waits: from starting the demo's processes to the first answer."""

from __future__ import annotations

import time
from statistics import median

from bench import demo
from bench.options import Options
from bench.section import Section

ANSWERED = "first answer"


def measure(options: Options) -> Section:
    """Start the whole graph again and again."""
    starts = [_start(options) for _ in range(options.rounds(5, 1))]
    rows = []
    for name in starts[0]:
        took_s = [start[name] for start in starts]
        figures = (median(took_s), min(took_s), max(took_s))
        rows.append((name, *(f"{figure:.2f}" for figure in figures)))
    return Section(
        title="Start to first answer",
        columns=("until", "median, s", "least, s", "most, s"),
        rows=tuple(rows),
        reading=(
            f"Starts of the demo's seven processes at once: {len(starts)}, files cached. A node is "
            "active by the stamp in its log; the first answer is the first with status OK that "
            "the recorder reports."
        ),
    )


def _start(options: Options) -> dict[str, float]:
    """Return the seconds until each node was active and until the first answer."""
    begun_s, begun_at_s = time.monotonic(), time.time()
    with demo.running(options, camera={}) as nodes:
        nodes.await_answer()
        answered_s = time.monotonic() - begun_s
        took_s = {
            f"{name} active": at_s - begun_at_s
            for name in nodes.names
            if (at_s := nodes.activated_at_s(name)) is not None
        }
    return {**took_s, ANSWERED: answered_s}
