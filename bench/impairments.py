# SPDX-License-Identifier: Apache-2.0
"""Who keeps the budgets on a bad link: the closed loop, a frozen plan, or full precision."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.hosts.heard import Heard
from bench.hosts.impairment import NONE, Impairment
from bench.hosts.network import Network
from bench.hosts.outcome import OK, await_whole
from bench.hosts.system import ENVIRONMENT, System
from bench.options import Options
from bench.section import Section, verdict

START_S = 60.0
# Between what 16 bits need at any clocks and what 8 bits need at cheap ones.
DELAY_S, ENERGY_J = 0.25, 2.0
# Answers that the closed loop may take to find its plan again after a step.
SETTLING = 10
TARGET = 0.99
IMPAIRMENTS = (
    NONE,
    Impairment(delay_ms=20.0),
    Impairment(delay_ms=60.0),
    Impairment(delay_ms=20.0, jitter_ms=10.0),
    Impairment(loss_percent=2.0),
    Impairment(delay_ms=20.0, reorder_percent=5.0),
    Impairment(rate_mbit=1.0),
)
TRANSPORT = "wifi_udp"
MODES = ("closed loop", "frozen plan", "full precision", f"closed loop, {TRANSPORT}")


def measure(options: Options) -> Section:
    """Let each run under each impairment on two hosts of its own."""
    seconds = float(options.rounds(12, 4))
    given = {"delay_s": str(DELAY_S), "energy_j": str(ENERGY_J)}
    with Network() as network, tempfile.TemporaryDirectory() as folder:
        with System(network, Path(folder), given) as system:
            await_whole(system, since_s=time.monotonic(), timeout_s=START_S)
            time.sleep(seconds)  # the first answers teach
            shares = {MODES[0]: _shares(network, system, seconds)}
            network.mend()
            time.sleep(seconds)
            with _frozen(network, system):
                shares[MODES[1]] = _shares(network, system, seconds)
            shares[MODES[2]] = _shares(network, system, seconds)
        network.mend()
        given["transport"] = TRANSPORT
        with System(network, Path(folder) / TRANSPORT, given) as system:
            await_whole(system, since_s=time.monotonic(), timeout_s=START_S)
            time.sleep(seconds)
            shares[MODES[3]] = _shares(network, system, seconds)
        kind = network.kind
    return _section(shares, seconds, kind)


def _shares(network: Network, system: System, seconds: float) -> list[tuple[int, int]]:
    """Return answers within both budgets and all answers, for each impairment."""
    return [_share(network, system, impairment, seconds) for impairment in IMPAIRMENTS]


def _share(
    network: Network, system: System, impairment: Impairment, seconds: float
) -> tuple[int, int]:
    network.impair(impairment)
    begun_s = time.monotonic()
    time.sleep(seconds)
    answers = system.ear.all("answer", since_s=begun_s)[SETTLING:]
    return sum(_kept(heard) for heard in answers), len(answers)


def _kept(heard: Heard) -> bool:
    answer = heard.message
    known = answer.energy_j is not None
    return bool(
        answer.status == OK and answer.total_s <= DELAY_S and known and answer.energy_j <= ENERGY_J
    )


@contextmanager
def _frozen(network: Network, system: System) -> Iterator[None]:
    """Have the controller's last plan held by a program in its place, then nobody."""
    command = [sys.executable, str(Path(__file__).with_name("frozen_plan.py"))]
    program = network.robot.call(_start, command)
    assert program.stdin is not None  # noqa: S101
    try:
        time.sleep(5.0)  # it hears the plan that is in force
        system.kill("controller")
        program.stdin.write("hold\n")
        program.stdin.flush()
        yield
    finally:
        program.stdin.close()
        program.wait(10.0)


def _start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, text=True, env={**os.environ, **ENVIRONMENT}
    )


def _section(shares: dict[str, list[tuple[int, int]]], seconds: float, kind: str) -> Section:
    rows = []
    for place, impairment in enumerate(IMPAIRMENTS):
        cells = [shares[mode][place] for mode in MODES]
        rows.append((str(impairment), *(f"{_of(cell):.1%} of {cell[1]}" for cell in cells)))
    closed = [_of(cell) for cell in shares[MODES[0]]]
    others = [
        max(_of(shares[mode][place]) for mode in MODES[1:3]) for place in range(len(IMPAIRMENTS))
    ]
    over_profile = min(_of(cell) for cell in shares[MODES[3]])
    least = min(closed)
    beaten = [
        str(impairment)
        for impairment, mine, other in zip(IMPAIRMENTS, closed, others, strict=True)
        if mine < other
    ]
    return Section(
        title="Answers within both budgets on a bad link",
        columns=("link, each way", *(f"{mode}, kept" for mode in MODES)),
        rows=tuple(rows),
        verdicts=(
            verdict(
                f"at least {TARGET:.0%} of the closed loop's answers within both budgets",
                met=least >= TARGET,
                seen=f"{least:.1%} at the worst",
            ),
            verdict(
                f"the same under the transport profile {TRANSPORT}",
                met=over_profile >= TARGET,
                seen=f"{over_profile:.1%} at the worst",
            ),
            verdict(
                "at least as good as either of the others everywhere",
                met=not beaten,
                seen=f"not with {', '.join(beaten)}" if beaten else "it is",
            ),
        ),
        reading=(
            f"Two hosts (network namespaces) joined by a link that {kind} impairs, simulated "
            f"boards, the shipped model; {DELAY_S} s and {ENERGY_J} J an answer, planned for its "
            f"95th percentile. {seconds:.0f} s each, without the first {SETTLING} answers after "
            "each step. Frozen: the closed loop's plan on the good link, held from then on. Full "
            "precision: no plan, 16 bits and the boards' own clocks. The last column: both hosts "
            f"with config/transport/{TRANSPORT}.xml, the others with Fast DDS's defaults. Answers "
            "that came late, or not at all, are not kept."
        ),
    )


def _of(cell: tuple[int, int]) -> float:
    return cell[0] / cell[1] if cell[1] else 0.0
