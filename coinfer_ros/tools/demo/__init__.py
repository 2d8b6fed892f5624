# SPDX-License-Identifier: Apache-2.0
"""``coinfer demo``: the whole system on this machine, with a live view and a report at the end."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from coinfer_ros import graph, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core import checks
from coinfer_ros.core.costs import Workload
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.tools.demo import report
from coinfer_ros.tools.demo.phases import Phase, phases
from coinfer_ros.tools.demo.story import Message, Story
from coinfer_ros.tools.demo.view import plain, view
from coinfer_ros.tools.processes import Processes

START_S = 45.0
REDRAW_S = 0.1


class DemoFailed(CoinferError):
    """A node died, refused to start, or no answer came."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's flags; every argument of the graph is one."""
    parser = subparsers.add_parser("demo", help=__doc__.partition(": ")[2])
    for argument in graph.DEMO_ARGUMENTS:
        if argument in (graph.DELAY_S, graph.ENERGY_J):
            continue  # the phases set the budgets
        flag = "--" + argument.name.replace("_", "-")
        parser.add_argument(flag, default=argument.default, help=argument.description)
    parser.add_argument("--seconds", type=float, default=40.0, help="how long it runs, [5, 600] s")
    parser.add_argument(
        "--out", type=Path, default=Path("demo-report"), help="folder for picture, CSV and bag"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo; 0 when answers came and every node lived."""
    checks.number("--seconds", args.seconds, low=5.0, high=600.0, unit="s")
    given = {a.name: getattr(args, a.name) for a in graph.DEMO_ARGUMENTS if hasattr(args, a.name)}
    schedule = _schedule(given)
    story, folder = Story(), _new_folder(args.out)
    given["delay_s"], given["energy_j"] = str(schedule[0].delay_s), str(schedule[0].energy_j)
    given["timeout_s"] = str(max(2.0, 3.0 * schedule[0].delay_s))
    # A demo belongs to this machine: no robot in the same room should hear it.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    console = Console()
    console.print(f"starting seven nodes; logs and report in {folder}")
    problem = ""
    try:
        with Processes(folder) as processes, _screen(story, console) as redraw:
            play = _Play(story, processes, redraw, folder)
            play.start(given)
            play.await_first_answer()
            for phase in schedule:
                play.begin(phase)
                play.watch(args.seconds / len(schedule))
    except DemoFailed as error:
        problem = str(error)
    except KeyboardInterrupt:
        problem = "interrupted"
    if story.rows:
        _finish(story, folder, console)
    if problem:
        Console(stderr=True).print(f"coinfer demo: {problem}", style="red", soft_wrap=True)
    return 1 if problem or not story.answered else 0


def _schedule(given: dict[str, str]) -> tuple[Phase, ...]:
    robot, edge = (
        board_file.read(locate.board(given[name])) for name in ("robot_board", "edge_board")
    )
    try:
        workload = Workload(float(given["head_flop"]), float(given["tail_flop"]))
    except ValueError as error:
        raise InvalidInput(f"--head-flop and --tail-flop must be numbers: {error}") from error
    return phases(robot, edge, workload)


def _new_folder(wanted: Path) -> Path:
    """Return ``wanted``, or the first free ``wanted-2``, ``-3`` …: no report is overwritten."""
    folder, number = wanted.absolute(), 1
    while folder.exists():
        number += 1
        folder = wanted.absolute().with_name(f"{wanted.name}-{number}")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InvalidInput(
            f"--out must be a folder that can be made, got {wanted}: {error}"
        ) from error
    return folder


class _Play:
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


class Redraw:
    """Shows the story: a live screen on a terminal, a line for each news elsewhere."""

    def __init__(self, story: Story, console: Console, live: Live | None) -> None:
        self._story, self._console, self._live = story, console, live
        self._told = 0
        self._plan_id = 0

    def __call__(self) -> None:
        """Show what is new."""
        if self._live is not None:
            self._live.update(view(self._story), refresh=True)
            return
        plan = self._story.plan
        if plan and plan["plan_id"] != self._plan_id:
            self._plan_id = plan["plan_id"]
            self._console.print(f"plan {self._plan_id}: {plan['message']}", soft_wrap=True)
        if len(self._story.rows) > self._told:
            self._console.print(plain(self._story), soft_wrap=True, markup=False, highlight=False)
        self._told = len(self._story.rows)


@contextlib.contextmanager
def _screen(story: Story, console: Console) -> Iterator[Redraw]:
    if not console.is_terminal:
        yield Redraw(story, console, None)
        return
    with Live(view(story), console=console, auto_refresh=False) as live:
        yield Redraw(story, console, live)


def _finish(story: Story, folder: Path, console: Console) -> None:
    story.save(folder / "answers.csv")
    report.draw(story, folder / "report.png")
    rows = report.summary(story)
    table = Table(title="answers and medians of each phase", box=box.SIMPLE)
    for name in rows[0] if rows else ():
        table.add_column(name, justify="left" if name == "phase" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*("?" if value is None else str(value) for value in row.values()))
    console.print(table)
    console.print(
        f"{folder}/report.png (picture), answers.csv (every answer), bag/ (ROS 2 bag, MCAP), logs/",
        soft_wrap=True,
    )
