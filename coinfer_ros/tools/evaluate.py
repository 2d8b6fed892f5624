# SPDX-License-Identifier: Apache-2.0
"""`coinfer evaluate`: the paper's figures and table on the shipped models, as one page."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from coinfer_ros.evaluation import extras
from coinfer_ros.tools.arguments import Parser, add_whole
from coinfer_ros.tools.resumable.folder import claim

INTERRUPTED = 130  # what shells report of Ctrl-C


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "evaluate",
        help="the paper's figures and table on the shipped models, with a report",
        description="Reproduce Figs 2 to 8 and Table I of arXiv 2602.13052 and go beyond them: "
        "report.html, its pictures' numbers as CSV beside it. Stopped by Ctrl-C, the same command "
        "goes on where it was.",
    )
    parser.add_argument("--out", type=Path, default=Path("evaluation-report"), help="its folder")
    parser.add_argument("--quick", action="store_true", help="two minutes on two cores: a look")
    add_whole(parser, "--seed", low=0, high=2**32 - 1, text="of what is drawn", default=0)
    add_whole(parser, "--samples", low=2, high=100_000, text="captions a point", required=False)
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="what is timed (default cpu)"
    )
    parser.add_argument(
        "--meter",
        choices=("none", "nvml", "jetson", "cpu"),
        default="none",
        help="what meters the timed answers' joules (default none); nothing is ever set",
    )
    cores = os.cpu_count() or 1
    add_whole(parser, "--workers", low=1, high=256, text="processes", default=cores)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what is not done yet, and report; 130 when it was stopped.

    :raises InvalidInput: when the folder holds something else or another evaluation.
    :raises Unavailable: when an extra, the device or the meter is not here.
    """
    extras.need_all()
    # Imported once the words are known to be good: torch takes seconds.
    from coinfer_ros.tools.evaluating import reporting  # noqa: PLC0415
    from coinfer_ros.tools.evaluating.extent import FULL, QUICK  # noqa: PLC0415
    from coinfer_ros.tools.evaluating.work import Asked, work  # noqa: PLC0415

    extent = (QUICK if arguments.quick else FULL).with_samples(arguments.samples)
    asked = Asked(
        arguments.out,
        extent,
        seed=arguments.seed,
        device=arguments.device,
        meter=arguments.meter,
        workers=arguments.workers,
        command=command(arguments),
    )
    asked.check_device()
    claim(arguments.out, asked.settings())
    try:
        found = work(asked)
    except KeyboardInterrupt:
        found = None
    if found is None:
        print(
            f"coinfer: stopped; what is done is kept in {arguments.out}; the same command goes on",
            file=sys.stderr,
        )
        return INTERRUPTED
    reporting.report(asked, found)
    return 0


def command(arguments: argparse.Namespace) -> str:
    """Return what makes the same numbers again."""
    words = ["coinfer evaluate"]
    words += ["--quick"] * arguments.quick
    words += [f"--seed {arguments.seed}"] * bool(arguments.seed)
    words += [f"--samples {arguments.samples}"] * (arguments.samples is not None)
    words += [f"--device {arguments.device}"] * (arguments.device != "cpu")
    words += [f"--meter {arguments.meter}"] * (arguments.meter != "none")
    return " ".join(words)
