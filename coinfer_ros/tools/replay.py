# SPDX-License-Identifier: Apache-2.0
"""``coinfer replay``: every plan of a bag made again and compared, and what came of the plans."""

from __future__ import annotations

import argparse
from pathlib import Path

from coinfer_ros.tools.arguments import Parser


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "replay",
        help="every plan of a bag made again and compared, and what came of the plans",
        description=(
            "Reads a bag with a controller's topics (the recorder node's, or one of `ros2 bag "
            "record`), makes every plan again of what its Costs and Basis say was known, and "
            "compares field by field. Exit status: 0 when all are equal, 1 when some are not or "
            "cannot be made again, 2 for bad input. Needs no ROS."
        ),
    )
    parser.add_argument("bag", metavar="BAG", type=Path, help="its folder, or its .mcap file")
    parser.add_argument(
        "--what-if",
        nargs="+",
        metavar="BUDGET",
        help="other budgets to plan with: delay_s=0.2 energy_j=2; inf is no limit",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Replay a bag and return the exit status.

    :raises InvalidInput: when an argument breaks its rule, or the bag is none that can be replayed.
    """
    # Here, not above: `coinfer replay --help` needs neither SciPy nor rosbags.
    from coinfer_ros.tools.replaying import as_json, for_people, history, what_if  # noqa: PLC0415
    from coinfer_ros.tools.replaying.replayed import replayed  # noqa: PLC0415

    change = what_if.parsed(arguments.what_if) if arguments.what_if else None
    robots = [replayed(robot, change) for robot in history.read(arguments.bag)]
    if arguments.json:
        as_json.print_json(str(arguments.bag), robots)
    else:
        for_people.print_for_people(robots)
    return 0 if all(robot.equal for robot in robots) else 1
