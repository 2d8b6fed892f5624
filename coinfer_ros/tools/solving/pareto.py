# SPDX-License-Identifier: Apache-2.0
"""`coinfer solve --pareto`: all settings that no other beats, and the plan among them."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import Point, solve
from coinfer_ros.core.optimizer.pareto import frontier
from coinfer_ros.evaluation.figures.artifact import csv_artifact
from coinfer_ros.tools.output import Value
from coinfer_ros.tools.solution_output import print_for_people, record
from coinfer_ros.tools.solving import picture
from coinfer_ros.tools.solving.file import check_file, write
from coinfer_ros.tools.solving.question import Asked, halves

_SETTING = ("bits", "robot_clock_hz", "edge_clock_hz", "delay_s", "energy_j")
Number = int | float


def run(asked: Asked, arguments: argparse.Namespace) -> int:
    """Write the files that were asked for, print the frontier, and return the exit status.

    :raises InvalidInput: when a file's name breaks its rule, or there is no energy to draw.
    :raises Unavailable: when a file cannot be written, or matplotlib is not here.
    """
    _check_files(arguments, asked)
    solution, points = solve(asked.problem), unbeaten(asked, asked.problem.budget)
    if arguments.csv:
        write("--csv", arguments.csv, _csv(asked, points))
    if arguments.plot:
        curves = unbeaten(asked, Budget())
        write("--plot", arguments.plot, picture.draw(asked, curves, solution.plan))
    steps = None if asked.joint else arguments.clock_steps
    found = asked.told(solution)
    error = asked.embedding_error(found.bits)
    if arguments.json:
        rows = [_strict(row(asked, point)) for point in points]
        plan = _strict(record(found, asked.weight_rate, error))
        print(json.dumps({"frontier": rows, "plan": plan, "clock_steps": steps}, allow_nan=False))
    else:
        from coinfer_ros.tools.solving import frontier_table  # noqa: PLC0415  scripts: no rich

        frontier_table.show(asked, points, solution.plan, clock_steps=steps)
        print_for_people(found, asked.problem.budget, asked.weight_rate, error)
    return 0


def unbeaten(asked: Asked, budget: Budget) -> tuple[Point, ...]:
    """Return the settings within a budget and the greatest loss that no other beats."""
    problem = asked.problem
    points = frontier(asked.tables, problem.quality, budget)
    # What is worse than the greatest loss beats nothing that is not.
    return tuple(point for point in points if problem.loss(point.bits) <= problem.loss_max)


def row(asked: Asked, point: Point) -> dict[str, Number]:
    """Return a setting as scripts get it; NaN is not known."""
    known = asked.known(point)
    plain = {name: getattr(known, name) for name in _SETTING}
    return {
        **plain,
        asked.loss: asked.problem.loss(known.bits),
        **({"known_energy_j": point.energy_j} if _knows_part(asked) else {}),
    }


def _check_files(arguments: argparse.Namespace, asked: Asked) -> None:
    if arguments.csv is not None:
        check_file("--csv", arguments.csv)
    if arguments.plot is not None:
        check_file("--plot", arguments.plot, ending=".png")
        if not asked.some_energy:
            raise InvalidInput(
                f"--plot must have an energy to draw over the delay, got none of "
                f"{halves(asked.unmetered)} (no power meter)"
            )


def _csv(asked: Asked, points: Sequence[Point]) -> bytes:
    columns = [*_SETTING, asked.loss, *(["known_energy_j"] if _knows_part(asked) else [])]
    rows = (list(row(asked, point).values()) for point in points)
    return csv_artifact("frontier.csv", columns, rows).content


def _knows_part(asked: Asked) -> bool:
    """Say whether the energy of one half alone is known."""
    return asked.some_energy and bool(asked.unmetered)


def _strict(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Return fields with None for what JSON has no number for."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }
