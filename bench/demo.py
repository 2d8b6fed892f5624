# SPDX-License-Identifier: Apache-2.0
"""The demo's seven nodes, started as ``coinfer demo`` starts them, to be watched from outside."""

from __future__ import annotations

import contextlib
import json
import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from bench.options import Options
from coinfer_ros import graph
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.graph import NodeSpec, Value
from coinfer_ros.tools.processes import Processes

START_S = 60.0
LOOK_EVERY_S = 0.05
_ACTIVATED = re.compile(r"^\[INFO\] \[(\d+\.\d+)\] \[\w+\]: activated(?::|$)", re.MULTILINE)


class Demo:
    """The running nodes.

    :param processes: what started them.
    :param names: the nodes' names, the recorder first.
    :param heard: the recorder's lines, as objects.
    """

    def __init__(
        self,
        processes: Processes,
        names: tuple[str, ...],
        heard: queue.SimpleQueue[dict[str, Any]],
    ) -> None:
        self._processes, self.names, self._heard = processes, names, heard

    def await_active(self) -> None:
        """Wait until every node is active.

        :raises Unavailable: when one refuses or ends, or it takes too long.
        """
        self._await(lambda: all(map(self.activated_at_s, self.names)), "not all nodes are active")

    def await_answer(self) -> None:
        """Wait for the first answer from the edge.

        :raises Unavailable: as above.
        """
        self._await(self._answered, "no answer")

    def activated_at_s(self, name: str) -> float | None:
        """Return when a node became active by its own log, s since 1970; None: not yet."""
        log = self._processes.log(name).read_text(encoding="utf-8", errors="replace")
        found = _ACTIVATED.search(log)
        return float(found[1]) if found else None

    def _answered(self) -> bool:
        with contextlib.suppress(queue.Empty):
            while True:
                line = self._heard.get_nowait()
                # 0 is Answer.OK.
                if line["topic"] == "answer" and line["message"]["status"] == 0:
                    return True
        return False

    def _await(self, done: Callable[[], bool], missing: str) -> None:
        deadline_s = time.monotonic() + START_S
        while not done():
            for name, why in self._processes.refusals().items():
                raise Unavailable(f"node {name} refused: {why}")
            for name, status in self._processes.ended().items():
                raise Unavailable(f"node {name} ended with status {status}")
            if time.monotonic() > deadline_s:
                raise Unavailable(f"{missing} within {START_S:.0f} s")
            time.sleep(LOOK_EVERY_S)


@contextlib.contextmanager
def running(options: Options, camera: Mapping[str, Value]) -> Iterator[Demo]:
    """Start the nodes and end them afterwards.

    :param camera: parameters of the camera beside the graph's.
    """
    with tempfile.TemporaryDirectory(prefix="coinfer-bench-") as name:
        folder = Path(name)
        specs = graph.demo_graph({"model": options.model, "source": options.source})
        boards: dict[str, Value] = {"board.state_dir": str(folder / "boards")}
        common = {**dict.fromkeys(("robot", "edge", "device"), boards), "camera": camera}
        with Processes(folder) as processes:
            _, lines = processes.start_piped(NodeSpec("recorder", "recorder"))
            heard = _listen(lines)
            processes.start(specs, common)
            yield Demo(processes, ("recorder", *(spec.name for spec in specs)), heard)


def _listen(lines: IO[str]) -> queue.SimpleQueue[dict[str, Any]]:
    heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # a library's own print
                heard.put(json.loads(line))

    threading.Thread(target=read, daemon=True).start()
    return heard
