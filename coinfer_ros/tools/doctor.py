# SPDX-License-Identifier: Apache-2.0
"""``coinfer doctor``: what can be measured and set here, and the command that mends what cannot."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

from coinfer_ros import backends, resources
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.parameters import DeviceSettings
from coinfer_ros.tools.arguments import Parser
from coinfer_ros.tools.doctoring import (
    clocks,
    discovery,
    leftovers,
    network,
    power,
    ros,
    shared_memory,
    software,
)
from coinfer_ros.tools.doctoring.apart import Check, findings
from coinfer_ros.tools.doctoring.finding import Finding, Status
from coinfer_ros.tools.doctoring.screen import show

# All checks run at once; the longest starts two nodes and lets them meet.
PATIENCE_S = 12.0
HERE = Path("/")


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "doctor",
        help="what can be measured and set here, and the one command that mends what cannot",
        description=(
            "Looks at power sensors, clocks, ROS and software of this machine, and changes "
            "nothing. It takes a few seconds, and never more than fifteen. Exit status 0, whatever "
            "is found; with --restore 1 where a clock could not be given back."
        ),
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--restore",
        action="store_true",
        help="give back every clock whose owner was killed, and look at nothing else",
    )
    parser.add_argument(
        "--state-dir",
        type=Path,
        metavar="FOLDER",
        help=f"clock.state_dir of the device nodes (default {DeviceSettings.clock_folder})",
    )
    parser.add_argument("--no-ros", action="store_true", help="leave ROS out")
    parser.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="FOLDER",
        help="where the system's files lie (default /)",
    )
    parser.add_argument(
        "--files",
        action="store_true",
        help="print the folder with permit.sh, the udev rules and the systemd unit, and no more",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found and return the exit status: 1 where a clock could not be given back.

    :raises InvalidInput: when the root is no folder.
    :raises Unavailable: when the package was installed without its files.
    """
    if arguments.files:
        print(resources.path("config/system"))
        return 0
    for flag in ("root", "state_dir"):
        given = getattr(arguments, flag)
        if given is not None and not (given.parts and given.expanduser().is_dir()):
            name = flag.replace("_", "-")
            raise InvalidInput(
                f"--{name} must be a folder, got {'' if not given.parts else str(given)!r}"
            )
    found = findings(_checks(arguments), within_s=PATIENCE_S)
    remedies = list(dict.fromkeys(one.remedy for one in found if one.remedy))
    if arguments.json:
        listed = [dataclasses.asdict(one) for one in found]
        print(json.dumps({"findings": listed, "summary": _summary(found, remedies)}))
    else:
        show(found, remedies, conclusion(found))
    unsettled = any(one.status is Status.FAULT for one in found)
    return 1 if arguments.restore and unsettled else 0


def _checks(arguments: argparse.Namespace) -> list[Check]:
    root = arguments.root
    state_dir = (arguments.state_dir or Path(DeviceSettings.clock_folder)).expanduser()
    if arguments.restore:
        return [leftovers.restoration(root, state_dir)]
    chosen = [
        *power.checks(root),
        *clocks.checks(root, state_dir),
        leftovers.check(root, state_dir),
    ]
    if not arguments.no_ros:
        # ROS runs on the system that this process is on, whatever tree is looked at.
        chosen += [*ros.checks(os.environ), shared_memory.check(HERE, os.environ)]
        chosen += [*network.checks(HERE), *discovery.checks(os.environ)]
    return chosen + software.checks(root, os.environ)


def conclusion(found: Sequence[Finding]) -> str:
    """Return in a sentence what to launch with, of what was found."""
    summary = _summary(found, ())
    measures, sets = ([str(name) for name in summary[key]] for key in ("measures", "sets"))  # type: ignore[attr-defined]
    backend = next(
        (
            name
            for name, (meter, _) in backends.OWN.items()
            if any(sensor.startswith(meter) for sensor in measures)
        ),
        "none",
    )
    power_words = f"power by {', '.join(measures)}" if measures else "nothing measures power"
    clock_words = f"clock by {', '.join(sets)}" if sets else "no clock can be set"
    return (
        f"{power_words}; {clock_words}. On a robot launch with robot_backend:={backend}, on an "
        f"edge box with edge_backend:={backend}."
    )


def _summary(found: Sequence[Finding], remedies: Sequence[str]) -> dict[str, object]:
    """Return the counts of each status, what measures, which clocks can be set, and what to run."""
    good = [one for one in found if one.status is Status.GOOD]
    return {
        **{status.value: sum(one.status is status for one in found) for status in Status},
        "measures": [one.name for one in good if one.area == power.AREA],
        "sets": [one.name for one in good if one.area == clocks.AREA and one.name != clocks.MODE],
        "remedies": list(remedies),
    }
