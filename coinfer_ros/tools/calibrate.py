# SPDX-License-Identifier: Apache-2.0
"""`coinfer calibrate`: measures one half of a model on this machine and writes its profile."""

from __future__ import annotations

import argparse
import datetime
import json
import math
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from coinfer_ros import locate
from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.limits import Limits
from coinfer_ros.core.model import FULL_BITS, WEIGHT_BITS
from coinfer_ros.core.profile import ROLES, Profile, to_plain
from coinfer_ros.tools.arguments import Parser, add_image_px, add_number, add_whole

if TYPE_CHECKING:
    from coinfer_ros.core.boards import Board
    from coinfer_ros.tools.calibration.asked import Asked
    from coinfer_ros.tools.calibration.partial import Partial

BACKENDS = ("none", "simulated", "nvml", "jetson", "cpu")
BOARDS = {"robot": "jetson_agx_orin", "edge": "rtx_3090"}
INTERRUPTED = 130  # what shells give a command that Ctrl-C ended


def add_parser(subparsers: argparse._SubParsersAction[Parser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "calibrate",
        help="a profile of this machine and one half of a model, measured",
        description="Measure one half of a model on this machine and write a profile, which the "
        "controller plans with (robot.profile, edge.profile). Interrupted, the same command goes "
        "on where it was.",
    )
    parser.add_argument("model", metavar="MODEL", help="checkpoint folder")
    parser.add_argument("--role", required=True, help="robot: the head, edge: the tail")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the profile")
    parser.add_argument(
        "--backend",
        default="none",
        help="none: this machine's time alone (default); nvml, jetson or cpu: with its joules, and "
        "its clock where --clocks is given; simulated: a board",
    )
    parser.add_argument("--board", default="", help="the simulated board: a file or shipped name")
    parser.add_argument("--cut", default="", help="where to cut (default: the model's own place)")
    add_image_px(parser)
    parser.add_argument(
        "--widths", nargs="+", default=[], metavar="BITS", help="bit-widths (default all)"
    )
    add_whole(parser, "--samples", low=1, high=10**6, text="runs of each setting", default=100)
    add_whole(
        parser,
        "--clocks",
        low=0,
        high=10**4,
        text="clock steps, evenly chosen; 0: all of a simulated board, a real one's own pace",
        default=0,
    )
    add_number(
        parser,
        "--flop",
        Limits(0.0, 1e18, "FLOP"),
        text="work of a run on the simulated board; 0: the model's own",
        default=0.0,
    )
    parser.add_argument(
        "--images", default="media/scenes.mp4", help="folder or video to time it with"
    )
    parser.add_argument(
        "--task",
        default="none",
        help="what answers are scored on: none (default), scenes, motion, or a file of JSON lines, "
        "each with image, a path beside it, and references",
    )
    add_whole(parser, "--examples", low=1, high=10**6, text="answers to score", default=200)
    parser.add_argument("--restart", action="store_true", help="forget what was interrupted")
    parser.add_argument("--json", action="store_true", help="print the profile as one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the profile, show it, and return the exit status.

    :raises InvalidInput: when an argument breaks its rule, or what was interrupted is another's.
    :raises Unavailable: when the model, the images or the board are not there.
    """
    _check(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: the clock is given back
        signal.signal(number, signal.default_int_handler)
    try:
        profile = _calibrate(arguments)
    except KeyboardInterrupt:
        print("interrupted: the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    _show(profile, as_json=arguments.json)
    print(f"wrote {arguments.out}", file=sys.stderr)
    return 0


def _calibrate(arguments: argparse.Namespace) -> Profile:
    # Imported once the words are known to be good: torch takes seconds.
    from coinfer_ros.adapters import board_file, profile_file  # noqa: PLC0415
    from coinfer_ros.tools.calibration.partial import Partial  # noqa: PLC0415

    # Without a simulated board what is read here is not looked at.
    board = board_file.read(locate.board(arguments.board or BOARDS[arguments.role]))
    asked = _asked(arguments, board)
    beside = arguments.out.with_name(f"{arguments.out.name}.partial")
    partial = Partial(beside, asked.settings(), restart=arguments.restart)
    profile = _measure(asked, board, partial)
    profile_file.write(profile, arguments.out)
    partial.remove()
    return profile


def _check(arguments: argparse.Namespace) -> None:
    checks.one_of("--role", arguments.role, ROLES)
    checks.one_of("--backend", arguments.backend, BACKENDS)
    if arguments.role == "edge":
        for flag in ("widths", "task"):
            if getattr(arguments, flag) not in ([], "none"):
                raise InvalidInput(f"--{flag} is for --role robot, got it with --role edge")
    if arguments.backend != "simulated":
        for flag in ("board", "flop"):
            if getattr(arguments, flag):
                raise InvalidInput(
                    f"--{flag} is for --backend simulated, got it with {arguments.backend}"
                )
    if arguments.backend == "none" and arguments.clocks:
        raise InvalidInput("--clocks is for a backend with a clock, got it with none")
    if not arguments.out.name or arguments.out.is_dir():
        raise InvalidInput(f"--out must be a file, got {str(arguments.out)!r}")


def _widths(arguments: argparse.Namespace) -> tuple[int, ...]:
    if arguments.role == "edge":
        return (FULL_BITS,)
    names = {str(bits): bits for bits in WEIGHT_BITS}
    chosen = {names[checks.one_of("--widths", text, names)] for text in arguments.widths}
    return tuple(sorted(chosen)) or WEIGHT_BITS


def _asked(arguments: argparse.Namespace, board: Board) -> Asked:
    from coinfer_ros.adapters import models, this_machine  # noqa: PLC0415
    from coinfer_ros.tools.calibration.asked import Asked  # noqa: PLC0415

    folder, simulated = locate.model(arguments.model), arguments.backend == "simulated"
    info = models.describe(folder, cut=arguments.cut, image_px=arguments.image_px)
    own = info.head_flop if arguments.role == "robot" else info.tail_flop
    return Asked(
        folder=folder,
        info=info,
        image_px=arguments.image_px,
        role=arguments.role,
        device=this_machine.identify(
            backend=arguments.backend, board=board.name if simulated else ""
        ),
        widths=_widths(arguments),
        clocks_hz=_clocks(arguments, board),
        samples=arguments.samples,
        flop=arguments.flop or own,
        images=arguments.images,
        task=arguments.task,
        examples=arguments.examples,
    )


def _clocks(arguments: argparse.Namespace, board: Board) -> tuple[float, ...]:
    from coinfer_ros import backends  # noqa: PLC0415

    steps, wanted = board.clock_steps_hz, arguments.clocks
    if arguments.backend != "simulated":
        if not wanted:
            return (math.nan,)
        driver = backends.driver_of(backends.Asked(arguments.backend))
        steps = driver.steps_hz
        driver.close()
    if not wanted or wanted >= len(steps):
        return steps
    places = np.linspace(len(steps) - 1, 0, wanted).round().astype(int)  # the highest always
    return tuple(steps[place] for place in sorted(set(places)))


def _measure(asked: Asked, board: Board, partial: Partial) -> Profile:
    from coinfer_ros import backends  # noqa: PLC0415
    from coinfer_ros.tools.calibration import assemble, halves  # noqa: PLC0415
    from coinfer_ros.tools.calibration.bench import Bench  # noqa: PLC0415
    from coinfer_ros.tools.calibration.progress import take_all  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as state_dir:  # no other process moves this board's clock
        wanted = backends.Asked(asked.device.backend, state_dir=state_dir)
        sets_clock = not math.isnan(asked.clocks_hz[0])
        machine = backends.machine(
            wanted,
            board,
            role=asked.role,
            owner_folder=backends.OWNER_FOLDER if sets_clock else None,
        )
        if machine.note:
            print(f"coinfer: {machine.note}", file=sys.stderr)
        bench = Bench(machine)
        try:
            with bench.default_clock_after():
                bench.learn_idle()
                steps = halves.steps(asked, bench)
                found = take_all(steps, partial)
        finally:
            machine.close()
    now = datetime.datetime.now(datetime.timezone.utc)
    return assemble.profile(asked, found, made_at=now.isoformat(timespec="seconds"))


def _show(profile: Profile, *, as_json: bool) -> None:
    from coinfer_ros.tools.calibration import quality, summary  # noqa: PLC0415

    if as_json:
        print(json.dumps(to_plain(profile), allow_nan=False))
        return
    summary.show(profile)
    if profile.quality.examples and (reason := quality.missing_scorer()):
        print(f"CIDEr is not known: {reason}.")
