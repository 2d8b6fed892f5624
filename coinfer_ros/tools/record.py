# SPDX-License-Identifier: Apache-2.0
"""``coinfer record``: what a power sensor gives, into a file that can be replayed."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from coinfer_ros import backends
from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import Limits
from coinfer_ros.parameters import METERS
from coinfer_ros.tools.arguments import Parser, add_number, add_whole

RECORDED = tuple(name for name in METERS if name not in ("auto", "none", "replay"))
# Sensors that have something new more often than this are recorded at this pace.
LEAST_PERIOD_S = 0.01


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "record",
        help="what a power sensor gives, into a file that can be replayed",
        description=(
            "Records a power sensor as it has something new, a JSON object a line. A device node "
            "replays it with device.meter: replay and device.trace: FILE, over and over."
        ),
    )
    parser.add_argument("--meter", required=True, help=f"which sensor: {', '.join(RECORDED)}")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the record")
    add_number(
        parser, "--seconds", Limits(0.001, 1e6, "s"), text="how long to record", default=60.0
    )
    add_whole(parser, "--gpu", low=0, high=63, text="index of the NVIDIA GPU", default=0)
    parser.add_argument(
        "--root", default="/", metavar="FOLDER", help="where the system's files lie (default /)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Record and return the exit status.

    :raises InvalidInput: when an argument breaks its rule.
    :raises CoinferError: when the sensor is not here, or goes away meanwhile.
    """
    from coinfer_ros.adapters.devices.power.record import record  # noqa: PLC0415

    checks.one_of("--meter", arguments.meter, RECORDED)
    if not arguments.out.parent.is_dir():
        raise InvalidInput(f"the folder of --out must be there, got {str(arguments.out.parent)!r}")
    asked = backends.Asked(backend="none", gpu=arguments.gpu, root=arguments.root)
    sensor = backends.sensor(arguments.meter, asked)
    try:
        count = math.ceil(arguments.seconds / max(sensor.info.period_s, LEAST_PERIOD_S))
        print(f"recording {count} samples: {sensor.info.covers}", file=sys.stderr)
        record(sensor, arguments.out, count=count, least_s=LEAST_PERIOD_S)
    except KeyboardInterrupt:
        print("interrupted: what was recorded is in the file", file=sys.stderr)
    finally:
        sensor.close()
    print(f"wrote {arguments.out}; left out: {str(sensor.faults) or 'nothing'}", file=sys.stderr)
    return 0
