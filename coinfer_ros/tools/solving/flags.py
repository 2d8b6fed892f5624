# SPDX-License-Identifier: Apache-2.0
"""All flags of `coinfer solve`, and which of them are for what."""

from __future__ import annotations

import argparse
import math

from coinfer_ros.core import limits
from coinfer_ros.core.limits import Limits
from coinfer_ros.evaluation.methods import METHODS
from coinfer_ros.evaluation.methods.exhaustive import STEPS
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.solving import analytic, link
from coinfer_ros.tools.solving.question import OBJECTIVES
from coinfer_ros.tools.solving.words import add_unchecked, forget_defaults, refuse

CLOCK_STEPS_MOST = 256
MACHINES = ("--profile", "--robot-profile", "--edge-profile", "--robot-board", "--edge-board")
_ERROR = Limits(-math.inf, 1e30, "", above=0)


def add(parser: Parser) -> None:
    """Add the flags."""
    _add_budgets(parser)
    analytic.add_flags(parser)
    link.add_flags(parser)
    _add_question(parser)
    _add_machines(parser)
    _add_frontier(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    forget_defaults(parser)


def of_machines(arguments: argparse.Namespace) -> list[str]:
    """Return the flags that were given of machines that are measured or of a board."""
    return [name for name in MACHINES if name in arguments.given]


def check(arguments: argparse.Namespace) -> None:
    """Check that the flags of the frontier, and those of one plan, are not there in vain.

    :raises InvalidInput: naming the two that contradict each other.
    """
    given = arguments.given
    if "--pareto" in given:
        refuse(given, ["--method"], purpose="one plan", got="with --pareto")
    else:
        of_frontier = ["--csv", "--plot", "--clock-steps"]
        refuse(given, of_frontier, purpose="--pareto", got="without")
    if machines := of_machines(arguments):
        purpose, got = "the frontier over free clocks", f"with {machines[0]}"
        refuse(given, ["--clock-steps"], purpose=purpose, got=got)
    else:
        purpose = "a robot's profile with measured errors"
        refuse(given, ["--embedding-error-max"], purpose=purpose, got="without")


def _add_budgets(parser: Parser) -> None:
    for name, allowed, text in (
        ("--deadline-s", limits.DELAY_S, "delay budget of one answer"),
        ("--energy-j", limits.ENERGY_J, "energy budget of one answer"),
    ):
        endless = "inf with profiles or boards: none; may be left out with --pareto"
        add_unchecked(parser, name, metavar=allowed.unit, text=f"{text}; {endless}")


def _add_question(parser: Parser) -> None:
    parser.add_argument(
        "--objective",
        choices=tuple(OBJECTIVES),
        default="distortion",
        help="what to make least within the budgets (default distortion)",
    )
    for name, allowed, text in (
        ("--distortion-max", limits.DISTORTION, "greatest upper bound of a weight's mean error"),
        ("--embedding-error-max", _ERROR, "greatest error of the embedding, as a profile has it"),
    ):
        add_number(parser, name, allowed, text=text, default=math.inf)
    parser.add_argument(
        "--method",
        choices=tuple(METHODS),
        default="exact",
        help="; ".join(f"{name}: {text}" for name, text in METHODS.items()),
    )


def _add_machines(parser: Parser) -> None:
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        metavar="FILE",
        help="a half as coinfer calibrate measured it; twice, for both",
    )
    for role in ("robot", "edge"):
        parser.add_argument(
            f"--{role}-profile", metavar="FILE", help=f"the {role}'s half, measured"
        )
        parser.add_argument(
            f"--{role}-board",
            metavar="NAME|FILE",
            help=f"the {role}'s half computed for the clock steps of a board, with --{role}-flop",
        )


def _add_frontier(parser: Parser) -> None:
    parser.add_argument(
        "--pareto",
        action="store_true",
        help="all settings that no other beats in delay, energy and distortion; budgets may be "
        "left out",
    )
    parser.add_argument("--csv", metavar="FILE", help="with --pareto: all of them, as a table")
    parser.add_argument("--plot", metavar="FILE.png", help="with --pareto: energy over delay")
    add_whole(
        parser,
        "--clock-steps",
        low=1,
        high=CLOCK_STEPS_MOST,
        text="with --pareto: clocks of each machine that are looked at where clocks are free",
        default=STEPS,
    )
