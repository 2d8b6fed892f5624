# SPDX-License-Identifier: Apache-2.0
"""`coinfer solve`: one plan for given budgets."""

from __future__ import annotations

import argparse
import math

from coinfer_ros.core import limits
from coinfer_ros.core.costs import (
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    Link,
    Processor,
    System,
    Workload,
)
from coinfer_ros.core.optimizer import Law, Objective, Problem, Quality, Solution
from coinfer_ros.evaluation.methods import METHODS, solve_by
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.output import print_json
from coinfer_ros.tools.solution_output import print_for_people, record

OBJECTIVES = {
    "distortion": Objective.LOSS,
    "energy": Objective.ENERGY,
    "delay": Objective.DELAY,
}


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "solve",
        help="one plan for given budgets",
        description=(
            "The widest bit-width and the clocks of least energy that keep both budgets; with "
            "--objective the least energy or delay instead, among the widths that --distortion-max "
            "leaves."
        ),
    )
    add_number(parser, "--robot-flop", limits.FLOP, text="work of the robot's half, full width")
    add_number(parser, "--edge-flop", limits.FLOP, text="work of the edge's half, first token")
    add_number(parser, "--deadline-s", limits.DELAY_S, text="delay budget of one answer")
    add_number(parser, "--energy-j", limits.ENERGY_J, text="energy budget of one answer")
    _add_widths(parser)
    _add_processor(parser, "robot", PAPER_ROBOT)
    _add_processor(parser, "edge", PAPER_EDGE)
    _add_beyond_the_paper(parser)
    _add_question(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan, or why there is none, and return the exit status."""
    problem = _problem(arguments)
    if arguments.method == "exact":  # and the comparisons' libraries stay where they are
        found = solve_by("exact", problem)
    else:
        found = _compared(arguments.method, problem)
    if arguments.json:
        print_json(record(found, arguments.weight_rate))
    else:
        print_for_people(found, problem.budget, arguments.weight_rate)
    return 0


def _compared(method: str, problem: Problem) -> Solution:
    from rich.console import Console  # noqa: PLC0415  scripts need not wait for it

    wait = "training the policy, for some minutes" if method == "ppo" else f"solving by {method}"
    with Console(stderr=True).status(wait):
        return solve_by(method, problem)


def _problem(arguments: argparse.Namespace) -> Problem:
    system = System(
        robot=_processor(arguments, "robot"),
        edge=_processor(arguments, "edge"),
        workload=Workload(
            arguments.robot_flop,
            arguments.edge_flop,
            arguments.weight_bits,
            tokens=arguments.tokens,
            token_flop=arguments.token_flop,
        ),
        link=Link(
            payload_bytes=arguments.payload_bytes,
            goodput_bps=arguments.goodput_bps,
            round_trip_s=arguments.round_trip_s,
            radio_w=arguments.radio_w,
        ),
    )
    limited = arguments.distortion_max < math.inf
    quality = Quality.of_law(
        range(1, arguments.max_bits + 1),
        Law.UPPER if limited else Law.GAP,  # both fall with the width
        arguments.weight_rate,
    )
    return Problem(
        system,
        Budget(arguments.deadline_s, arguments.energy_j),
        quality,
        objective=OBJECTIVES[arguments.objective],
        loss_max=arguments.distortion_max,
    )


def _add_widths(parser: Parser) -> None:
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


def _add_beyond_the_paper(parser: Parser) -> None:
    for flag, allowed, text, default in (
        ("--robot-static-w", limits.POWER_W, "the robot's power beside switching", 0.0),
        ("--edge-static-w", limits.POWER_W, "the edge's power beside switching", 0.0),
        ("--token-flop", limits.TOKEN_FLOP, "the edge's work for each token after the first", 0.0),
        ("--payload-bytes", limits.PAYLOAD_BYTES, "what crosses the link both ways", 0.0),
        ("--goodput-bps", limits.GOODPUT_BPS, "payload bits a second of the link", 100e6),
        ("--round-trip-s", limits.ROUND_TRIP_S, "an empty message's way there and back", 0.0),
        ("--radio-w", limits.POWER_W, "the robot's radio while the payload is on the air", 0.0),
    ):
        add_number(parser, flag, allowed, text=text, default=default)
    add_whole(
        parser, "--tokens", low=1, high=limits.TOKENS_MAX, text="tokens of an answer", default=1
    )


def _add_question(parser: Parser) -> None:
    parser.add_argument(
        "--objective",
        choices=tuple(OBJECTIVES),
        default="distortion",
        help="what to make least within the budgets (default distortion)",
    )
    add_number(
        parser,
        "--distortion-max",
        limits.DISTORTION,
        text="greatest upper bound of a weight's mean error",
        default=math.inf,
    )
    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        default="exact",
        help="; ".join(f"{name}: {text}" for name, text in METHODS.items()),
    )


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
        static_w=getattr(arguments, f"{name}_static_w"),
    )
