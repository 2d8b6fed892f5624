# SPDX-License-Identifier: Apache-2.0
"""``coinfer simulate``: many seeded searches a setting, with a table, pictures and intervals."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from functools import partial
from pathlib import Path

from rich.console import Console

import coinfer_ros
from coinfer_ros import graph, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.costs import Workload
from coinfer_ros.core.limits import FLOP, Limits
from coinfer_ros.parameters import ControllerSettings
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics
from coinfer_ros.sim.task.control import Habits
from coinfer_ros.sim.task.question import checked_name
from coinfer_ros.sim.task.record import Record
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.resumable.crew import run_all
from coinfer_ros.tools.resumable.folder import claim
from coinfer_ros.tools.resumable.ledger import Ledger
from coinfer_ros.tools.simulating import pictures, words
from coinfer_ros.tools.simulating.cases import SWEEPS, Case, cases
from coinfer_ros.tools.simulating.episodes import EPISODES, FORM, Key
from coinfer_ros.tools.simulating.results import Result, results, save_table, table
from coinfer_ros.tools.simulating.worker import CAMERA, Experiment, run_episode
from coinfer_ros.tools.training.interrupts import stop_requests
from coinfer_ros.tools.training.making import bar

MODEL = "models/blip2-rooms"
INTERRUPTED = 130  # what shells report of Ctrl-C


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "simulate",
        help="searches by the hundred: budgets, widths and links against what is found",
        description="Let a robot search drawn rooms for a thing: the real model answers at every "
        "width, simulated machines and links delay it. Stopped by Ctrl-C, the same command goes on "
        "where it was.",
    )
    add_whole(parser, "--episodes", low=1, high=100_000, text="a setting", default=100)
    add_whole(parser, "--seed", low=0, high=2**32 - 1, text="of rooms and noise", default=0)
    parser.add_argument("--only", nargs="+", choices=SWEEPS, default=SWEEPS, help="these sweeps")
    parser.add_argument("--object", default="", help="such as 'red cube' (default: any)")
    parser.add_argument("--out", type=Path, default=Path("simulation-report"), help="its folder")
    parser.add_argument("--model", default=MODEL, help=f"checkpoint folder (default {MODEL})")
    for board in (graph.ROBOT_BOARD, graph.EDGE_BOARD):
        flag, text = f"--{board.name.replace('_', '-')}", f"{board.description} ({board.default})"
        parser.add_argument(flag, default=board.default, help=text)
    for work in (graph.HEAD_FLOP, graph.TAIL_FLOP):
        flag = f"--{work.name.replace('_', '-')}"
        add_number(parser, flag, FLOP, text=work.description, default=float(work.default))
    seconds = Limits(-1.0, 3600.0, "s", above=0.0)
    add_number(parser, "--limit-s", seconds, text="simulated time of a search", default=30.0)
    cores = os.cpu_count() or 1
    add_whole(parser, "--workers", low=1, high=256, text="processes", default=cores)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run what is not there yet, and report; 130 when it was stopped.

    :raises InvalidInput: for an unknown object, or a folder that holds something else.
    :raises Unavailable: without the model, a board, MuJoCo or anything to draw with.
    """
    if arguments.object:
        checked_name(arguments.object)
    try:
        use_offscreen_graphics()
        return _simulate(arguments, experiment(arguments))
    except KeyboardInterrupt:  # before anything runs, or while it is reported
        print("coinfer: stopped; no episode is lost", file=sys.stderr)
        return INTERRUPTED


def _simulate(arguments: argparse.Namespace, asked: Experiment) -> int:
    chosen = cases([sweep for sweep in SWEEPS if sweep in arguments.only])
    claim(arguments.out, _settings(asked))
    with Ledger(arguments.out / EPISODES, FORM) as ledger:
        todo = [
            (case, number)
            for number in range(arguments.episodes)
            for case in chosen
            if (case.name, number) not in ledger.records
        ]
        if todo and not _run_all(asked, todo, ledger, arguments.workers):
            kept = f"{len(ledger.records)} episodes are kept in {arguments.out}"
            print(f"coinfer: stopped; {kept}; the same command goes on", file=sys.stderr)
            return INTERRUPTED
    found = results(chosen, ledger.records, episodes=arguments.episodes, limit_s=asked.limit_s)
    _report(found, arguments.out)
    return 0


def experiment(arguments: argparse.Namespace) -> Experiment:
    """Return what the arguments say that all episodes have in common.

    :raises Unavailable: without the model or a board.
    """
    habits = ControllerSettings()
    return Experiment(
        model=locate.model(arguments.model),
        robot=board_file.read(locate.board(arguments.robot_board)),
        edge=board_file.read(locate.board(arguments.edge_board)),
        work=Workload(arguments.head_flop, arguments.tail_flop),
        habits=Habits(
            percentile=habits.percentile,
            initial_margin_s=habits.initial_margin_s,
            hysteresis=habits.hysteresis,
            dwell_s=habits.dwell_s,
            renewal_s=habits.renewal_s,
        ),
        seed=arguments.seed,
        target=arguments.object,
        limit_s=arguments.limit_s,
    )


def _settings(asked: Experiment) -> dict[str, object]:
    """Return all that an episode hangs on; what it is run beside is not among it."""
    from coinfer_ros.adapters import models  # noqa: PLC0415  torch takes seconds

    known = {field.name: getattr(asked, field.name) for field in dataclasses.fields(asked)}
    told = {name: _plain(value) for name, value in known.items()}
    described = models.describe(asked.model)
    return {
        "version": coinfer_ros.__version__,
        **told,
        "model": described.fingerprint,
        "camera": _plain(CAMERA),
        "cases": {case.name: repr(case) for case in cases()},
    }


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return json.loads(json.dumps(dataclasses.asdict(value)))
    return value if isinstance(value, int | float) else str(value)


def _run_all(
    asked: Experiment,
    todo: list[tuple[Case, int]],
    ledger: Ledger[Key, Record],
    workers: int,
) -> bool:
    """Run episodes; false when Ctrl-C ended it early."""
    with stop_requests() as stopping, bar() as shown:
        task = shown.add_task("simulate", total=len(todo))

        def done(piece: tuple[Case, int], record: Record) -> None:
            ledger.add((piece[0].name, piece[1]), record)
            shown.advance(task)

        work, workers = partial(run_episode, asked), min(workers, len(todo))
        lost = shown.console.print
        run_all(work, todo, workers=workers, stopping=stopping, done=done, lost=lost)
        return bool(shown.tasks[0].finished)


def _report(found: list[Result], folder: Path) -> None:
    save_table(found, folder / "table.csv")
    console, told = Console(), [words.NOTE]
    for sweep in dict.fromkeys(result.case.sweep for result in found):
        ours = [result for result in found if result.case.sweep == sweep]
        sentences = words.sentences(ours, sweep)
        pictures.draw(ours, sweep, folder / f"{sweep}.png")
        told += ["", f"{sweep}:", *sentences]
        console.print(table(ours, sweep))
        for sentence in sentences:
            if not sentence.startswith(" "):  # the rest is in the file
                console.print(sentence, soft_wrap=True, highlight=False, markup=False)
        console.print()
    (folder / "summary.txt").write_text("\n".join(told) + "\n", encoding="utf-8")
    console.print(f"{folder}: table.csv, episodes.csv, summary.txt, a picture a sweep")
