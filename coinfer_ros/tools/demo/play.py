# SPDX-License-Identifier: Apache-2.0
"""Plays the demo: starts the graph, sets budgets, follows what is told, notices what dies."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from pathlib import Path
from typing import IO

from coinfer_ros import graph
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.tools.demo.phases import Phase
from coinfer_ros.tools.demo.screen import Redraw
from coinfer_ros.tools.demo.story import Message, Story
from coinfer_ros.tools.processes import Processes

START_S = 45.0
REDRAW_S = 0.1


class DemoFailed(CoinferError):
    """A node died, refused to start, or no answer came."""


class Play:
    """The running graph and what is told of it.

    :param folder: where logs, boards and the bag go.
    """

    def __init__(self, story: Story, processes: Processes, redraw: Redraw, folder: Path) -> None:
        self._story, self._processes, self._redraw = story, processes, redraw
        self._folder = folder

    def start(self, given: dict[str, str]) -> None:
        """Start the recorder, then the graph."""
        recorder = graph.NodeSpec("recorder", "recorder", {"record.bag": str(self._folder / "bag")})
        self._commands, lines = self._processes.start_piped(recorder)
        self._heard = _listen(lines)
        boards = {"board.state_dir": str(self._folder / "boards")}
        common = dict.fromkeys(("robot", "edge", "device"), boards)
        self._processes.start(graph.demo_graph(given), common)

    def await_first_answer(self) -> None:
        """Wait until the system answers.

        :raises DemoFailed: when a node refuses or ends, or no answer comes in time.
        """
        deadline_s = time.monotonic() + START_S
        while not self._story.answered:
            self.watch(REDRAW_S)
            refusals = self._processes.refusals()
            if refusals:
                raise DemoFailed("; ".join(f"{name}: {why}" for name, why in refusals.items()))
            if time.monotonic() > deadline_s:
                raise DemoFailed(f"no answer within {START_S:.0f} s; see {self._folder}/logs")
        self._story.rows.clear()  # the story begins with the first phase

    def begin(self, phase: Phase) -> None:
        """Set the phase's budgets."""
        budgets = {"budget.delay_s": phase.delay_s, "budget.energy_j": phase.energy_j}
        with contextlib.suppress(BrokenPipeError):  # the recorder's end is noticed by watch
            self._commands.write(json.dumps({"set": "/controller", "parameters": budgets}) + "\n")
            self._commands.flush()
        self._story.begin_phase(phase, time.monotonic())

    def watch(self, seconds: float) -> None:
        """Follow the graph for a while.

        :raises DemoFailed: when a node ended or refused a budget.
        """
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0.0:
            with contextlib.suppress(queue.Empty):
                self._story.tell(self._heard.get(timeout=min(left_s, REDRAW_S)))
                while True:
                    self._story.tell(self._heard.get_nowait())
            self._redraw()
            for name, status in self._processes.ended().items():
                raise DemoFailed(
                    f"node {name} ended with status {status}; see {self._processes.log(name)}"
                )
            if self._story.refused_settings:
                raise DemoFailed(f"a budget was refused: {self._story.refused_settings[0]}")


def _listen(lines: IO[str]) -> queue.SimpleQueue[Message]:
    heard: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def read() -> None:
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # a library's own print
                heard.put(json.loads(line))

    threading.Thread(target=read, daemon=True).start()
    return heard
