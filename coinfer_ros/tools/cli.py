# SPDX-License-Identifier: Apache-2.0
"""The `coinfer` command: finds the subcommand and imports that one only."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.tools.arguments import Parser, join_negatives

# A module of this package each, with ``add_parser(subparsers)``; the parser that it adds has a
# default ``run``, a function from the parsed arguments to the exit status.
COMMANDS = {
    "demo": "the whole system on this machine, with a live view and a report at the end",
    "solve": "one plan for given budgets",
    "bounds": "the rate-distortion figures of a bit-width",
    "inspect": "a model's cuts: work, parameters and bytes on either side",
    "calibrate": "a profile of this machine and one half of a model, measured",
    "train": "the small models that the repository ships",
    "doctor": "what can be measured and set here, and the one command that mends what cannot",
    "record": "what a power sensor gives, into a file that can be replayed",
    "replay": "every plan of a bag made again and compared, and what came of the plans",
    "figures": "the theory's figures, drawn from computed and measured numbers",
    "evaluate": "the paper's figures and table on the shipped models, with a report",
    "simulate": "searches by the hundred: budgets, widths and links against what is found",
    "world": "a shipped room as a world for Gazebo or MuJoCo",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand.

    :param argv: arguments without the program's name; the process's own when None.
    :returns: 0 for an answer, 2 for bad input, 1 for any other failure; the last two with one line
        on stderr.
    """
    arguments = join_negatives(sys.argv[1:] if argv is None else argv)
    try:
        parsed = _parser(arguments).parse_args(arguments)
        return int(parsed.run(parsed))
    except CoinferError as error:
        print(f"coinfer: {_one_line(error)}", file=sys.stderr)
        return 2 if isinstance(error, InvalidInput) else 1
    except ModuleNotFoundError as error:
        print(f"coinfer: this command needs {error.name}, which is not here", file=sys.stderr)
        return 1
    except SystemExit as help_shown:
        return int(help_shown.code or 0)


def _parser(arguments: Sequence[str]) -> Parser:
    """Return a parser that knows the command in ``arguments`` in full, the others by name."""
    parser = Parser(prog="coinfer", description="Co-inference of a robot and an edge box.")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    asked = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, text in COMMANDS.items():
        if name == asked:
            importlib.import_module(f"coinfer_ros.tools.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=text)
    return parser


def _one_line(error: CoinferError) -> str:
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
