# SPDX-License-Identifier: Apache-2.0
"""How soon a clock is given back after SIGKILL: of the controller, and of the device node."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from bench import process, trees
from bench.options import Options
from bench.section import Section, verdict
from bench.stats import spread
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.graph import NodeSpec, Value
from coinfer_ros.tools.processes import Processes

TARGET_S = 1.0
LONGEST_S = 60.0
LOOK_S = 0.002


class Rig:
    """A device node and a controller over a copy of a Jetson's clock files."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._processes = processes
        self._trees: SimpleNamespace = trees.load("clock_trees")
        self._root = folder / "root"
        self._trees.orin_gpu(self._root)
        state = folder / "state"
        state.mkdir()
        self._device: dict[str, Value] = {
            "device.role": "robot",
            "device.backend": "none",
            "device.clock": "devfreq",
            "device.root": str(self._root),
            "clock.state_dir": str(state),
        }
        self.before = self._limits()

    def start(self, name: str) -> None:
        """Start one of the two nodes."""
        parameters = {"robot_device": self._device, "controller": {"budget.energy_j": 0.0}}[name]
        executable = "controller" if name == "controller" else "device"
        self._processes.start([NodeSpec(executable, name, parameters)], {})

    def kill(self, name: str) -> None:
        """End a node as the system ends one without memory."""
        os.kill(process.nodes([name])[name], signal.SIGKILL)

    def await_set(self) -> None:
        """Wait until a plan has set the clock."""
        _await(lambda: self._limits() != self.before, "the clock is not set")

    def await_back_s(self) -> float:
        """Return how long it takes until the clock is what it was, s."""
        return _await(lambda: self._limits() == self.before, "the clock is not given back")

    def _limits(self) -> dict[str, str]:
        found: dict[str, str] = self._trees.limits(self._root)
        return found


def measure(options: Options) -> Section:
    """Kill one and the other, again and again."""
    took_s: dict[str, list[float]] = {"controller": [], "robot_device": []}
    with tempfile.TemporaryDirectory(prefix="coinfer-bench-") as name:
        folder = Path(name)
        for round_ in range(options.rounds(10, 1)):
            of_round = folder / str(round_)
            of_round.mkdir()
            with Processes(of_round) as processes:
                rig = Rig(of_round, processes)
                rig.start("robot_device")
                rig.start("controller")
                rig.await_set()
                rig.kill("controller")
                took_s["controller"].append(rig.await_back_s())
                rig.start("controller")
                rig.await_set()
                rig.kill("robot_device")
                rig.start("robot_device")
                took_s["robot_device"].append(rig.await_back_s())
    cases = {
        "of the controller: the lease ends": took_s["controller"],
        "of the device node: from the next start": took_s["robot_device"],
    }
    slowest_s = max(took_s["controller"])
    return Section(
        title="A clock given back after SIGKILL",
        columns=("SIGKILL", "median, s", "least, s", "most, s"),
        rows=tuple(
            (what, f"{spread(times).p50:.2f}", f"{min(times):.2f}", f"{max(times):.2f}")
            for what, times in cases.items()
        ),
        verdicts=(
            verdict(
                "given back within 1 s of the controller's death",
                met=slowest_s <= TARGET_S,
                seen=f"{slowest_s:.2f} s at most",
            ),
        ),
        reading=(
            f"{len(took_s['controller'])} kills of each. A Jetson's devfreq files, copied; seen "
            "in them every 2 ms. The next start of a device node counts from starting its "
            "process, most of it Python's and ROS's own start."
        ),
    )


def _await(done: Callable[[], bool], missing: str) -> float:
    begun_s = time.monotonic()
    while not done():
        if time.monotonic() - begun_s > LONGEST_S:
            raise Unavailable(f"{missing} within {LONGEST_S:.0f} s")
        time.sleep(LOOK_S)
    return time.monotonic() - begun_s
