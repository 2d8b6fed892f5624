# SPDX-License-Identifier: Apache-2.0
"""`coinfer solve`: one plan for given budgets."""

from __future__ import annotations

import argparse

from coinfer_ros.core import limits, rate_distortion
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Budget, Processor, System, Workload
from coinfer_ros.core.optimizer.continuous import solve_continuous
from coinfer_ros.core.optimizer.solution import Solution, Status
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.output import Value, print_json, print_table


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "solve",
        help="one plan for given budgets",
        description="The widest bit-width and the clocks of least energy that keep both budgets.",
    )
    add_number(parser, "--robot-flop", limits.FLOP, text="work of the robot's half, full width")
    add_number(parser, "--edge-flop", limits.FLOP, text="work of the edge's half")
    add_number(parser, "--deadline-s", limits.DELAY_S, text="delay budget of one answer")
    add_number(parser, "--energy-j", limits.ENERGY_J, text="energy budget of one answer")
    add_whole(
        parser,
        "--weight-bits",
        low=1,
        high=limits.WEIGHT_BITS_MAX,
        text="bits a weight at full width",
        default=16,
    )
    add_whole(
        parser,
        "--max-bits",
        low=1,
        high=limits.BITS_MAX,
        text="widest bit-width to choose from; the narrowest is 1",
        default=16,
    )
    add_number(
        parser,
        "--weight-rate",
        limits.WEIGHT_RATE,
        text="rate λ of the weights' magnitudes",
        default=1.0,
    )
    _add_processor(parser, "robot", PAPER_ROBOT)
    _add_processor(parser, "edge", PAPER_EDGE)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan, or why there is none, and return the exit status."""
    system = System(
        robot=_processor(arguments, "robot"),
        edge=_processor(arguments, "edge"),
        workload=Workload(arguments.robot_flop, arguments.edge_flop, arguments.weight_bits),
    )
    budget = Budget(arguments.deadline_s, arguments.energy_j)
    found = solve_continuous(system, budget, range(1, arguments.max_bits + 1))
    if arguments.json:
        print_json(_record(found, arguments.weight_rate))
    else:
        _print_for_people(found, budget, arguments.weight_rate)
    return 0


def _add_processor(parser: Parser, name: str, default: Processor) -> None:
    for field, allowed, text in (
        ("clock_max_hz", limits.CLOCK_HZ, "greatest clock"),
        ("flop_per_cycle", limits.FLOP_PER_CYCLE, "FLOP a cycle"),
        ("pue", limits.PUE, "power usage effectiveness"),
        ("power_coefficient", limits.POWER_COEFFICIENT, "power over the clock cubed"),
    ):
        flag = f"--{name}-{field.replace('_', '-')}"
        value = getattr(default, field)
        add_number(parser, flag, allowed, text=f"the {name}'s {text}", default=value)


def _processor(arguments: argparse.Namespace, name: str) -> Processor:
    return Processor(
        clock_max_hz=getattr(arguments, f"{name}_clock_max_hz"),
        flop_per_cycle=getattr(arguments, f"{name}_flop_per_cycle"),
        pue=getattr(arguments, f"{name}_pue"),
        power_coefficient=getattr(arguments, f"{name}_power_coefficient"),
    )


def _record(found: Solution, weight_rate: float) -> dict[str, Value]:
    """Return the JSON object that scripts rely on."""
    at = None if found.bits is None else rate_distortion.at_bits(found.bits, weight_rate)
    record: dict[str, Value] = {
        "status": found.status.value,
        "bits": found.bits,
        "robot_clock_hz": found.robot_clock_hz,
        "edge_clock_hz": found.edge_clock_hz,
        "delay_s": found.delay_s,
        "energy_j": found.energy_j,
        "distortion_lower": None if at is None else at.lower,
        "distortion_upper": None if at is None else at.upper,
        "distortion_exact": None if at is None else at.exact,
        "binding": found.binding,
    }
    if found.status is Status.INFEASIBLE:
        record["nearest_deadline_s"] = found.nearest_delay_s
        record["nearest_energy_j"] = found.nearest_energy_j
    return record


def _print_for_people(found: Solution, budget: Budget, weight_rate: float) -> None:
    if found.bits is None:
        rows = [
            ("least deadline at this energy", _figure(found.nearest_delay_s, "s")),
            ("least energy at this deadline", _figure(found.nearest_energy_j, "J")),
        ]
        print_table("No plan", rows, found.message)
        return
    at = rate_distortion.at_bits(found.bits, weight_rate)
    print_table(
        "Plan",
        [
            ("bits a weight", f"{found.bits}"),
            ("robot clock", f"{_figure(found.robot_clock_hz, 'Hz', 1e9, 'G')}"),
            ("edge clock", f"{_figure(found.edge_clock_hz, 'Hz', 1e9, 'G')}"),
            ("delay", f"{_figure(found.delay_s, 's')} of {_figure(budget.delay_s, 's')}"),
            ("energy", f"{_figure(found.energy_j, 'J')} of {_figure(budget.energy_j, 'J')}"),
            ("distortion, best code", f"{at.exact:.4g}"),
            ("distortion, bounds", f"{at.lower:.4g} to {at.upper:.4g}"),
        ],
        found.message,
    )


def _figure(value: float | None, unit: str, scale: float = 1.0, prefix: str = "") -> str:
    return "none would do" if value is None else f"{value / scale:.4g} {prefix}{unit}"
