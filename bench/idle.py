# SPDX-License-Identifier: Apache-2.0
"""What the nodes cost while nothing is asked of them: processor time and memory."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

from bench import bare_node, demo, process
from bench.options import Options
from bench.section import Section, verdict

# The first image would come after 1000 s.
NO_IMAGES = {"camera.rate_hz": 0.001}
SETTLE_S = 2.0
TARGET = 0.01
TELEMETRY = ("robot_device", "edge_device")


def measure(options: Options) -> Section:
    """Watch the demo's nodes for a while without images."""
    seconds = options.rounds(20, 4)
    with demo.running(options, camera=NO_IMAGES) as nodes, _bare():
        nodes.await_active()
        names = (*nodes.names, bare_node.NAME)
        pids = process.nodes(names)
        time.sleep(SETTLE_S)
        shares = _shares(pids, seconds)
        memory = {name: process.memory_mib(pid) for name, pid in pids.items()}
    rows = [
        (
            name,
            f"{100 * sum(shares[name]) / seconds:.2f}",
            f"{100 * max(shares[name]):.2f}",
            *(f"{mib:.0f}" for mib in memory[name]),
        )
        for name in names
    ]
    alone = sum(shares[bare_node.NAME]) / seconds
    telemetry = max(sum(shares[name]) / seconds for name in TELEMETRY)
    return Section(
        title="Idle nodes",
        columns=("node", "CPU, %", "busiest second, %", "resident, MiB", "of it its own, MiB"),
        rows=tuple(rows),
        verdicts=(
            verdict(
                "telemetry at 10 Hz under 1 % of a core",
                met=telemetry < TARGET,
                seen=f"{100 * telemetry:.2f} % for a whole device node, of which rclpy alone takes "
                f"{100 * alone:.2f}",
            ),
        ),
        reading=(
            f"{seconds} s of the demo's graph with every node active and no image: plans are "
            "renewed 5 times a second, two devices publish 10 states a second, every node its "
            f"diagnostics once; {bare_node.NAME} publishes as many empty states. Percent of one "
            "core, all threads, user and kernel. What is not a "
            "process's own is shared with the others (libraries) and counted for each."
        ),
    )


@contextlib.contextmanager
def _bare() -> Iterator[None]:
    # Its name is on the command line, as the nodes' are, to be found by.
    command = [sys.executable, bare_node.__file__, "--ros-args", "-r", f"__node:={bare_node.NAME}"]
    with subprocess.Popen(command) as alone:  # noqa: S603
        try:
            yield
        finally:
            alone.terminate()


def _shares(pids: dict[str, int], seconds: int) -> dict[str, list[float]]:
    """Return for each node its share of a core in every second."""
    shares: dict[str, list[float]] = {name: [] for name in pids}
    for _ in range(seconds):
        before = {name: (time.monotonic(), process.cpu_s(pid)) for name, pid in pids.items()}
        time.sleep(1.0)
        for name, pid in pids.items():
            at_s, used_s = before[name]
            shares[name].append((process.cpu_s(pid) - used_s) / (time.monotonic() - at_s))
    return shares
