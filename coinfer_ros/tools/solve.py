# SPDX-License-Identifier: Apache-2.0
"""`coinfer solve`: one plan for given budgets, or all settings that no other beats."""

from __future__ import annotations

import argparse

from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.evaluation.methods import solve_by
from coinfer_ros.tools.arguments import Parser
from coinfer_ros.tools.output import print_json
from coinfer_ros.tools.solution_output import print_for_people, record
from coinfer_ros.tools.solving import analytic, flags, words
from coinfer_ros.tools.solving.question import Asked


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "solve",
        help="one plan for given budgets",
        description=(
            "The widest bit-width and the clocks of least energy that keep both budgets; with "
            "--objective the least energy or delay instead, among the widths that --distortion-max "
            "leaves. Costs are the analytic model's with free clocks, or those of a profile or a "
            "board for each half. With --pareto all settings that no other beats."
        ),
    )
    flags.add(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the plan, or why there is none, or the frontier, and return the exit status.

    :raises CoinferError: naming the flag or file at fault.
    """
    arguments = words.completed(arguments)
    flags.check(arguments)
    asked = _asked(arguments)
    if arguments.pareto:
        from coinfer_ros.tools.solving import pareto  # noqa: PLC0415  a plan needs none of it

        return pareto.run(asked, arguments)
    if arguments.method == "exact":  # and the comparisons' libraries stay where they are
        found = asked.told(solve_by("exact", asked.problem))
    else:
        found = asked.told(_compared(arguments.method, asked.problem))
    error = asked.embedding_error(found.bits)
    if arguments.json:
        print_json(record(found, asked.weight_rate, error))
    else:
        print_for_people(found, asked.problem.budget, asked.weight_rate, error)
    return 0


def _asked(arguments: argparse.Namespace) -> Asked:
    if not flags.of_machines(arguments):
        return analytic.asked(arguments)
    from coinfer_ros.tools.solving import tables  # noqa: PLC0415  reads YAML, which others need not

    return tables.asked(arguments)


def _compared(method: str, problem: Problem) -> Solution:
    from rich.console import Console  # noqa: PLC0415  scripts need not wait for it

    wait = "training the policy, for some minutes" if method == "ppo" else f"solving by {method}"
    with Console(stderr=True).status(wait):
        return solve_by(method, problem)
