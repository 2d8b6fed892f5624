# SPDX-License-Identifier: Apache-2.0
"""``coinfer demo``: the whole system on this machine, with a live view and a report at the end."""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from coinfer_ros import graph, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core import checks
from coinfer_ros.core.costs import Workload
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.tools.demo import report
from coinfer_ros.tools.demo.phases import Phase, phases
from coinfer_ros.tools.demo.play import DemoFailed, Play
from coinfer_ros.tools.demo.screen import screen
from coinfer_ros.tools.demo.story import Story
from coinfer_ros.tools.processes import Processes


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's flags; every argument of the graph is one."""
    parser = subparsers.add_parser("demo", help=__doc__.partition(": ")[2])
    for argument in graph.DEMO_ARGUMENTS:
        if argument in (graph.DELAY_S, graph.ENERGY_J):
            continue  # they follow from the phases
        flag = "--" + argument.name.replace("_", "-")
        text = f"{argument.description} Default: %(default)s"
        parser.add_argument(flag, default=argument.default, help=text)
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
    # A demo keeps to itself: no robot in the room, and no graph on this machine, should hear it.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    domain = os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    console = Console()
    console.print(
        f"starting the nodes on ROS_DOMAIN_ID={domain}; logs and report in {folder}",
        soft_wrap=True,
    )
    problem = ""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # end as after Ctrl-C: nodes first
    try:
        with Processes(folder) as processes, screen(story, console) as redraw:
            play = Play(story, processes, redraw, folder)
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


def _finish(story: Story, folder: Path, console: Console) -> None:
    story.save(folder / "answers.csv")
    report.draw(story, folder / "report.png")
    rows = report.summary(story)
    table = Table(
        title="answers, budgets kept, medians (clocks in MHz)", box=None, padding=(0, 2, 0, 0)
    )
    for name in rows[0] if rows else ():
        table.add_column(name, justify="left" if name == "phase" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*("?" if value is None else str(value) for value in row.values()))
    console.print(table)
    console.print(
        f"{folder}/report.png (picture), answers.csv (every answer), bag/ (ROS 2 bag, MCAP), logs/",
        soft_wrap=True,
    )
