# SPDX-License-Identifier: Apache-2.0
"""What the command line says."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros import graph

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Options:
    """The options of one run.

    :param quick: fewer rounds, for a look and for the test.
    :param model: checkpoint folder, as the nodes' ``model.path``.
    :param source: images, as the camera's ``camera.source``.
    :param only: names of the sections to run.
    :param write: page to replace, None for none.
    """

    quick: bool
    model: str
    source: str
    only: tuple[str, ...]
    write: Path | None

    def layers(self, full: int) -> int:
        """Return how many layers a model of random weights has."""
        return 2 if self.quick else full

    def rounds(self, full: int, quick: int) -> int:
        """Return how often to repeat a measurement."""
        return quick if self.quick else full


def parse(
    arguments: Sequence[str], sections: Sequence[str], asked_for: Sequence[str] = ()
) -> Options:
    """Read the command line.

    :param sections: names of all sections that run by themselves.
    :param asked_for: names of those that run when asked for.
    """
    parser = argparse.ArgumentParser(prog="make bench", description="Measure speed and size.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under a minute")
    parser.add_argument("--model", default=graph.MODEL.default, help=graph.MODEL.description)
    parser.add_argument("--source", default=graph.SOURCE.default, help=graph.SOURCE.description)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(*sections, *asked_for),
        default=tuple(sections),
        help="sections to run",
    )
    parser.add_argument(
        "--write",
        nargs="?",
        type=Path,
        const=PAGE,
        metavar="PAGE",
        help="replace docs/benchmarks.md (or PAGE) when every section ran",
    )
    given = vars(parser.parse_args(arguments))
    return Options(**{**given, "only": tuple(given["only"])})
