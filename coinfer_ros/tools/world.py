# SPDX-License-Identifier: Apache-2.0
"""`coinfer world`: one of the shipped arenas as a world for Gazebo or MuJoCo."""

from __future__ import annotations

import argparse
from pathlib import Path

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures import artifact
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.sim.arena.shipped import ARENAS
from coinfer_ros.tools.arguments import Parser

ENDINGS = {"sdf": "sdf", "mjcf": "xml"}


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "world",
        help="a shipped room as a world for Gazebo or MuJoCo",
        description=(
            "Writes FOLDER/NAME.sdf (Gazebo) or FOLDER/NAME.xml (MuJoCo), and its pictures beside."
        ),
    )
    parser.add_argument("name", metavar="NAME", help=f"which room: {', '.join(ARENAS)}")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where it goes")
    parser.add_argument(
        "--format", default="sdf", metavar="FORMAT", help="sdf (the default) or mjcf"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the world and return the exit status.

    :raises InvalidInput: when an argument breaks its rule.
    :raises Unavailable: when the folder cannot be written.
    """
    kind = checks.one_of("--format", arguments.format, ENDINGS)
    if not arguments.out:  # a path would make the current folder of it
        raise InvalidInput("--out must be a folder, got ''")
    # Imported once the words are known to be good: pictures need OpenCV, which takes a moment.
    from coinfer_ros.sim.arena.mjcf import mjcf  # noqa: PLC0415
    from coinfer_ros.sim.arena.sdf import sdf  # noqa: PLC0415

    arena = ARENAS[checks.one_of("the world", arguments.name[:64], ARENAS)]
    folder = Path(arguments.out)
    text, pictures = {"sdf": sdf, "mjcf": mjcf}[kind](arena)
    world = Artifact(f"{arena.name}.{ENDINGS[kind]}", text.encode())
    artifact.write([world, *(Artifact(*picture) for picture in pictures.items())], folder)
    print(f"wrote {folder / world.name}")
    return 0
