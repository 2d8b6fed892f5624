# SPDX-License-Identifier: Apache-2.0
"""How long a plan takes to find: exact solvers, the best effort, the controller's decision."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from bench.options import Options
from bench.section import Section, verdict
from bench.stats import PERCENTILES, timed
from coinfer_ros import graph, locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, GIT, PAPER_EDGE, PAPER_ROBOT, Budget, System
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.optimizer import Policy, analytic_tables, fallback, paper_problem, solve
from coinfer_ros.core.planning import Planner, Question, Route
from coinfer_ros.core.profile import ComputedHalf, Joint

WIDTHS = tuple(range(2, 17))
STEPS = 64
SIZE = f"{len(WIDTHS)} × {STEPS} × {STEPS}"
FREE_TARGET_S, TABLES_TARGET_S = 100e-6, 1e-3
FREE, TABLES = "free clocks", "table entries"
IMPOSSIBLE = Budget(delay_s=0.01, energy_j=0.01)


def measure(options: Options) -> Section:
    """Time each on the paper's system, and the controller's decision on the shipped boards."""
    spreads = {
        name: timed(work, rounds=options.rounds(2000, 100)) for name, work in _works().items()
    }
    free_s, tables_s = (
        max(s.p50 for name, s in spreads.items() if kind in name) for kind in (FREE, TABLES)
    )
    return Section(
        title="Finding a plan",
        columns=("what", *(f"{p}, µs" for p in PERCENTILES)),
        rows=tuple((name, *s.cells(1e6, 0)) for name, s in spreads.items()),
        verdicts=(
            verdict(
                f"the exact plan of {len(WIDTHS)} widths and free clocks within 100 µs (median)",
                met=free_s <= FREE_TARGET_S,
                seen=f"{free_s * 1e6:.0f} µs",
            ),
            verdict(
                f"the exact plan over {SIZE} table entries within 1 ms (median)",
                met=tables_s <= TABLES_TARGET_S,
                seen=f"{tables_s * 1e3:.2f} ms where nothing fits, which tries every setting",
            ),
        ),
        reading=(
            f"`core.optimizer` on the paper's system and budgets with {len(WIDTHS)} bit-widths and "
            f"{STEPS} × {STEPS} clock steps: what binds and the nearest budgets are part of the "
            "answer. `Planner.decide` on the boards and budgets that ship, its tables included. "
            "The controller decides five times a second and at every change of a budget."
        ),
    )


def _works() -> dict[str, Callable[[], object]]:
    system = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)
    clocks = {
        "robot_clocks_hz": _steps(PAPER_ROBOT.clock_max_hz),
        "edge_clocks_hz": _steps(PAPER_EDGE.clock_max_hz),
    }
    tables = analytic_tables(system, widths=WIDTHS, **clocks)
    free = paper_problem(system, BLIP2_BUDGET, WIDTHS)
    stepped = paper_problem(tables, BLIP2_BUDGET)
    hopeless = paper_problem(tables, IMPOSSIBLE)
    works: dict[str, Callable[[], object]] = {
        f"solve, {len(WIDTHS)} widths, {FREE}": lambda: solve(free),
        f"analytic_tables, {SIZE}": lambda: analytic_tables(system, widths=WIDTHS, **clocks),
        f"solve, {SIZE} {TABLES}": lambda: solve(stepped),
        f"solve, {SIZE} {TABLES}, nothing fits": lambda: solve(hopeless),
        f"fallback, {SIZE}": lambda: fallback([tables], BLIP2_BUDGET, Policy.KEEP_ENERGY),
    }
    planner, boards = _planner()
    budget = Budget(float(graph.DELAY_S.default), float(graph.ENERGY_J.default))
    for name, asked in ((boards, budget), ("nothing fits", IMPOSSIBLE)):
        for wires in ((16,), (4, 6, 8, 16)):
            question = Question(asked, WEIGHT_BITS, wires)
            works[f"Planner.decide, {name}, {len(wires)} widths of the wire"] = partial(
                planner.decide, question
            )
    return works


def _steps(greatest_hz: float) -> list[float]:
    return [float(hz) for hz in np.linspace(greatest_hz / STEPS, greatest_hz, STEPS)]


def _planner() -> tuple[Planner, str]:
    robot, edge = (
        board_file.read(locate.board(argument.default))
        for argument in (graph.ROBOT_BOARD, graph.EDGE_BOARD)
    )
    halves = (
        ComputedHalf(robot, GIT.robot_flop_at),
        ComputedHalf(edge, lambda _: GIT.edge_flop_in_all),
    )
    planner = Planner([Route(0, "", Joint(*halves))], share=0.95, initial_margin_s=0.02)
    sizes = (len(WEIGHT_BITS), len(robot.clock_steps_hz), len(edge.clock_steps_hz))
    return planner, f"{robot.name} and {edge.name}, {' × '.join(map(str, sizes))}"
