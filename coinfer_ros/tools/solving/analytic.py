# SPDX-License-Identifier: Apache-2.0
"""The analytic model with free clocks, as flags and as a problem."""

from __future__ import annotations

import argparse

from coinfer_ros.core import limits
from coinfer_ros.core.costs import PAPER_EDGE, PAPER_ROBOT, Processor, System, Workload
from coinfer_ros.core.limits import Limits
from coinfer_ros.core.optimizer import Problem
from coinfer_ros.evaluation.methods.exhaustive import stepped
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.solving import question
from coinfer_ros.tools.solving.link import link
from coinfer_ros.tools.solving.question import Asked
from coinfer_ros.tools.solving.words import add_unchecked, flag, require

_PAPER = {"robot": PAPER_ROBOT, "edge": PAPER_EDGE}
_PROCESSOR: dict[str, tuple[Limits, str]] = {
    "clock_max_hz": (limits.CLOCK_HZ, "greatest clock"),
    "flop_per_cycle": (limits.FLOP_PER_CYCLE, "FLOP a cycle"),
    "pue": (limits.PUE, "power usage effectiveness"),
    "power_coefficient": (limits.POWER_COEFFICIENT, "power over the clock cubed"),
    "static_w": (limits.POWER_W, "power beside switching"),
}


def asked(arguments: argparse.Namespace) -> Asked:
    """Return the problem that the flags describe; for the frontier, over a grid of clocks.

    :raises InvalidInput: when a flag is missing or breaks its rule.
    """
    require(arguments, ("robot_flop", "edge_flop", *question.needed(arguments)))
    system = System(
        robot=_processor(arguments, "robot"),
        edge=_processor(arguments, "edge"),
        workload=workload(arguments, arguments.robot_flop, arguments.edge_flop),
        link=link(arguments, {}),
    )
    widths = tuple(range(1, arguments.max_bits + 1))
    problem = Problem(
        stepped(system, widths, arguments.clock_steps) if arguments.pareto else system,
        question.budget(arguments, endless=arguments.pareto),
        question.of_law(arguments, widths, arguments.weight_rate),
        objective=question.OBJECTIVES[arguments.objective],
        loss_max=arguments.distortion_max,
    )
    return Asked(problem, arguments.weight_rate)


def workload(arguments: argparse.Namespace, robot_flop: object, edge_flop: object) -> Workload:
    """Return the work of one answer.

    :param robot_flop: work of the robot's half at full width, FLOP, unchecked; likewise the edge's.
    :raises InvalidInput: when one of the two breaks its rule.
    """
    return Workload(
        limits.FLOP.check("--robot-flop", robot_flop),
        limits.FLOP.check("--edge-flop", edge_flop),
        arguments.weight_bits,
        tokens=arguments.tokens,
        token_flop=arguments.token_flop,
    )


def add_flags(parser: Parser) -> None:
    """Add the flags of the work, the widths and both machines."""
    for name, text in (
        ("--robot-flop", "work of the robot's half, full width; not with its profile"),
        ("--edge-flop", "work of the edge's half, first token; not with its profile"),
    ):
        add_unchecked(parser, name, metavar=limits.FLOP.unit, text=text)
    _add_widths(parser)
    _add_tokens(parser)
    for role, paper in _PAPER.items():
        for field, (allowed, text) in _PROCESSOR.items():
            words = f"the {role}'s {text}"
            add_number(
                parser, flag(f"{role}_{field}"), allowed, text=words, default=getattr(paper, field)
            )


def processor_flags(role: str) -> tuple[str, ...]:
    """Return the flags that describe a machine by its formula."""
    return tuple(flag(f"{role}_{field}") for field in _PROCESSOR)


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


def _add_tokens(parser: Parser) -> None:
    add_whole(
        parser, "--tokens", low=1, high=limits.TOKENS_MAX, text="tokens of an answer", default=1
    )
    add_number(
        parser,
        "--token-flop",
        limits.TOKEN_FLOP,
        text="the edge's work for each token after the first",
        default=0.0,
    )


def _processor(arguments: argparse.Namespace, role: str) -> Processor:
    return Processor(**{field: getattr(arguments, f"{role}_{field}") for field in _PROCESSOR})
