# SPDX-License-Identifier: Apache-2.0
"""Shows a frontier to people: every setting while they are few, else a row a bit-width."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coinfer_ros.core.optimizer import Point
from coinfer_ros.tools.solution_output import clock
from coinfer_ros.tools.solving.question import Asked, halves

FEW = 32
_LOSSES = {"embedding_error": "embedding error", "distortion_upper": "distortion, upper bound"}


def show(
    asked: Asked, points: Sequence[Point], plan: Point | None, *, clock_steps: int | None
) -> None:
    """Print the frontier on stdout.

    :param points: rising in width, then in delay.
    :param plan: the one of them that is planned, if any.
    :param clock_steps: clocks of each machine that were looked at; None: all that there are.
    """
    console = Console()
    if points:
        table = _each(asked, points, plan) if len(points) <= FEW else _widths(asked, points)
        table.title = f"Frontier: {_count(points)}, beaten by no other in {_criteria(asked)}"
        console.print(table)
    for line in _notes(asked, points, clock_steps):
        console.print(Text(line), soft_wrap=True)


def _each(asked: Asked, points: Sequence[Point], plan: Point | None) -> Table:
    table = _table("bits", "robot clock", "edge clock", "delay, s", "energy, J", _loss(asked), "")
    for point in points:
        known = asked.known(point)
        table.add_row(
            f"{point.bits}",
            clock(known.robot_clock_hz),
            clock(known.edge_clock_hz),
            f"{point.delay_s:.4g}",
            _joules(asked, point),
            f"{asked.problem.loss(point.bits):.4g}",
            "plan" if point == plan else "",
        )
    return table


def _widths(asked: Asked, points: Sequence[Point]) -> Table:
    table = _table("bits", _loss(asked), "settings", "fastest, s", "J", "cheapest, J", "s")
    for bits, group in itertools.groupby(points, key=lambda point: point.bits):
        settings = list(group)
        fastest, cheapest = settings[0], settings[-1]
        table.add_row(
            f"{bits}",
            f"{asked.problem.loss(bits):.4g}",
            f"{len(settings)}",
            f"{fastest.delay_s:.4g}",
            _joules(asked, fastest),
            _joules(asked, cheapest),
            f"{cheapest.delay_s:.4g}",
        )
    return table


def _table(*names: str) -> Table:
    table = Table(title_justify="left", box=box.SIMPLE)
    for name in names:
        table.add_column(name, justify="right", overflow="fold")
    return table


def _notes(asked: Asked, points: Sequence[Point], clock_steps: int | None) -> list[str]:
    notes = []
    if len(points) > FEW:
        notes.append("Every setting with its clocks: --csv FILE, or --json.")
    if clock_steps is not None:
        notes.append(
            f"Free clocks, looked at over a grid of {clock_steps} x {clock_steps} "
            f"(--clock-steps): 1/{clock_steps} of each greatest clock apart."
        )
    if asked.unmetered:
        notes.append(f"Joules are without those of {halves(asked.unmetered)}: no power meter.")
    return notes


def _count(points: Sequence[Point]) -> str:
    return "1 setting" if len(points) == 1 else f"{len(points)} settings"


def _criteria(asked: Asked) -> str:
    energy = ""
    if asked.some_energy:
        energy = ", known energy" if asked.unmetered else ", energy"
    return f"delay{energy} and {'embedding error' if asked.measured_loss else 'distortion'}"


def _loss(asked: Asked) -> str:
    return _LOSSES[asked.loss]


def _joules(asked: Asked, point: Point) -> str:
    return f"{point.energy_j:.4g}" if asked.some_energy else "-"
