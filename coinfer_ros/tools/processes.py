# SPDX-License-Identifier: Apache-2.0
"""Starts the nodes of a graph as processes, and ends them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

import yaml

from coinfer_ros import locate, resources
from coinfer_ros.core.closing import Closing
from coinfer_ros.graph import NodeSpec, Value

GRACE_S = 5.0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Processes(Closing):
    """The running nodes of a graph; leaving the ``with`` block ends them all.

    :param folder: where parameter files and logs go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[str]] = {}
        (folder / "logs").mkdir(parents=True, exist_ok=True)

    def start(self, specs: Iterable[NodeSpec], common: Mapping[str, Mapping[str, Value]]) -> None:
        """Start nodes whose output goes to log files.

        :param common: parameters by executable that differ from the spec's, such as where
            simulated boards keep their state.
        """
        for spec in specs:
            log = self.log(spec.name).open("w", encoding="utf-8")
            with log:
                self._start(spec, common.get(spec.executable, {}), out=log, errors=log, into=None)

    def start_piped(self, spec: NodeSpec) -> tuple[IO[str], IO[str]]:
        """Start a node whose stdin and stdout are returned; its stderr goes to its log file."""
        with self.log(spec.name).open("w", encoding="utf-8") as log:
            process = self._start(spec, {}, out=subprocess.PIPE, errors=log, into=subprocess.PIPE)
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101
        return process.stdin, process.stdout

    def log(self, name: str) -> Path:
        """Return the log file of the node called ``name``."""
        return self._folder / "logs" / f"{name}.log"

    def ended(self) -> dict[str, int]:
        """Return the exit statuses of the nodes that run no more."""
        statuses = {name: process.poll() for name, process in self._running.items()}
        return {name: status for name, status in statuses.items() if status is not None}

    def refusals(self) -> dict[str, str]:
        """Return why nodes refused, or failed, to configure or to activate."""
        reasons = {}
        for name in self._running:
            for line in self.log(name).read_text(encoding="utf-8", errors="replace").splitlines():
                found = re.search(
                    r"\[ERROR\].*: (?:configure|activate) (refused: .*|failed:)", line
                )
                if found:
                    reasons[name] = f"{found.group(1)} (see {self.log(name)})"
        return reasons

    def close(self) -> None:
        """Ask every node to end, wait a while, then insist."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGINT)
        deadline_s = time.monotonic() + GRACE_S
        for process in self._running.values():
            try:
                process.wait(max(deadline_s - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def _start(
        self,
        spec: NodeSpec,
        common: Mapping[str, Value],
        *,
        out: IO[str] | int,
        errors: IO[str],
        into: int | None,
    ) -> subprocess.Popen[str]:
        parameters = self._folder / "logs" / f"{spec.name}.yaml"
        content = {"/**": {"ros__parameters": {**spec.parameters, **common}}}
        parameters.write_text(yaml.safe_dump(content), encoding="utf-8")
        command = [str(resources.executable(spec.executable)), "--ros-args"]
        command += ["-r", f"__node:={spec.name}"]
        if spec.namespace:
            command += ["-r", f"__ns:=/{spec.namespace.strip('/')}"]
        for topic, other in spec.remappings.items():
            command += ["-r", f"{topic}:={other}"]
        command += ["--params-file", str(resources.path(spec.config))]
        command += ["--params-file", str(parameters)]
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL if into is None else into,
            stdout=out,
            stderr=errors,
            text=True,
            # Two cores run seven nodes here: a pool of threads in each would only fight.
            env={
                "OMP_NUM_THREADS": "1",
                **os.environ,
                **locate.environment(spec.transport),
                "RCUTILS_COLORIZED_OUTPUT": "0",
            },
            # Ctrl-C is for the demo, which then ends its nodes in order.
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509
        )
        self._running[spec.name] = process
        return process


def _end_with_parent() -> None:
    """Ask Linux to interrupt this process when its parent dies, by SIGKILL too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
