# SPDX-License-Identifier: Apache-2.0
"""How soon a robot says that its edge is gone, and how soon the edge answers again."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.hosts.network import Network
from bench.hosts.outcome import LATE, OK, await_whole
from bench.hosts.system import System
from bench.options import Options
from bench.section import Section, verdict

START_S, CUT_S = 60.0, 10.0
SAID_TARGET_S = 1.0


def measure(options: Options) -> Section:
    """Kill the edge and cut the link, some times each."""
    rounds = options.rounds(5, 1)
    with (
        Network() as network,
        tempfile.TemporaryDirectory() as folder,
        System(network, Path(folder)) as system,
    ):
        await_whole(system, since_s=time.monotonic(), timeout_s=START_S)
        times = {
            "edge killed (SIGKILL), started again": [
                _outage(system, lambda: system.kill("edge"), lambda: system.start("edge"), 2.0)
                for _ in range(rounds)
            ],
            f"link cut for {CUT_S:.0f} s": [
                _outage(system, network.cut, network.mend, CUT_S) for _ in range(rounds)
            ],
        }
    return _section(times)


def _outage(
    system: System, begin: Callable[[], object], end: Callable[[], object], seconds: float
) -> tuple[float, float]:
    """Return when it was said and, after its end, when an answer was OK, s."""
    time.sleep(2.0)
    begun_s = time.monotonic()
    begin()
    said = system.ear.first("answer", _late, since_s=begun_s, timeout_s=10.0)
    time.sleep(max(begun_s + seconds - time.monotonic(), 0.0))
    ended_s = time.monotonic()
    end()
    again = system.ear.first("answer", _ok, since_s=ended_s, timeout_s=START_S)
    return said.at_s - begun_s, again.at_s - ended_s


def _late(answer: object) -> bool:
    return bool(answer.status == LATE)  # type: ignore[attr-defined]


def _ok(answer: object) -> bool:
    return bool(answer.status == OK)  # type: ignore[attr-defined]


def _section(times: dict[str, list[tuple[float, float]]]) -> Section:
    rows, said = [], list[float]()
    for name, pairs in times.items():
        noticed, recovered = zip(*pairs, strict=True)
        said += noticed
        figures = (median(noticed), max(noticed), median(recovered), max(recovered))
        rows.append((name, *(f"{figure:.2f}" for figure in figures)))
    return Section(
        title="An edge that is gone",
        columns=("outage", "said, median s", "most", "OK again, median s", "most"),
        rows=tuple(rows),
        verdicts=(
            verdict(
                f"said within {SAID_TARGET_S:.0f} s",
                met=max(said) <= SAID_TARGET_S,
                seen=f"{max(said):.2f} s at most of {len(said)}",
            ),
        ),
        reading=(
            "On two hosts as above. Said: from the outage to the first answer that names it and "
            "gives the last text with its age. OK again: from the edge's start (its model loads "
            "anew) or the link's mending to the first answer of the edge."
        ),
    )
