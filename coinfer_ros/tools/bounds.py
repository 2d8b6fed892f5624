# SPDX-License-Identifier: Apache-2.0
"""`coinfer bounds`: the rate-distortion figures of a bit-width."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from coinfer_ros.core import limits, rate_distortion
from coinfer_ros.tools.arguments import Parser, add_number, add_whole
from coinfer_ros.tools.output import print_json, print_table


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "bounds",
        help="the rate-distortion figures of a bit-width",
        description="Mean absolute error of one weight at a bit-width: bounds and exact values.",
    )
    add_whole(
        parser, "--bits", low=1, high=limits.BITS_MAX, text="bits a weight, the sign included"
    )
    add_number(
        parser,
        "--weight-rate",
        limits.WEIGHT_RATE,
        text="rate λ of the weights' magnitudes",
        default=1.0,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the figures and return the exit status."""
    figures = rate_distortion.at_bits(arguments.bits, arguments.weight_rate)
    if arguments.json:
        print_json(asdict(figures))
        return 0
    print_table(
        f"Distortion at {arguments.bits} bits a weight, λ = {arguments.weight_rate:g}",
        [
            ("rate of the magnitude", f"{figures.rate_bits:g} bit"),
            ("lower bound", f"{figures.lower:.6g}"),
            ("best of any code", f"{figures.exact:.6g}"),
            ("best of any table of values", f"{figures.scalar_optimal:.6g}"),
            ("upper bound", f"{figures.upper:.6g}"),
        ],
        "Mean absolute error of one weight, in weight units.",
    )
    return 0
