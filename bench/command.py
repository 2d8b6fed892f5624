# SPDX-License-Identifier: Apache-2.0
"""Runs the sections one after another; one that cannot run says why and stops no other."""

from __future__ import annotations

import importlib
import signal
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from bench import options, page
from bench.options import Options
from bench.section import Section, on_screen
from coinfer_ros.core.errors import CoinferError

# Each is a module of this package with ``measure(options) -> Section``, imported when it is run:
# a machine without ROS still measures the solver.
SECTIONS = (
    "overhead",
    "lerobot",
    "solver",
    "methods",
    "training",
    "quantizers",
    "vit_b",
    "vit_g",
    "batching",
    "robots",
    "distortion",
    "switch",
    "memory",
    "ledger",
    "meters",
    "restore",
    "idle",
    "start",
    "simulator",
)
# These need what few machines have, and are run when asked for.
ASKED_FOR = ("gpu", "transport", "impairments", "outage")


def main(arguments: Sequence[str]) -> int:
    """Measure; 0 when every section ran."""
    given = options.parse(arguments, SECTIONS, ASKED_FOR)
    # Ended from outside, it still ends the nodes that it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console()
    begun_s = time.monotonic()
    done: list[Section] = []
    failed = []
    for name in given.only:
        section = _measure(name, given, console)
        if section is None:
            failed.append(name)
        else:
            done.append(section)
            console.print(on_screen(section), "")
    console.print(f"took {time.monotonic() - begun_s:.0f} s")
    if failed:
        console.print(f"could not run: {', '.join(failed)}; no page written", style="red")
    elif given.write is not None:
        given.write.write_text(page.compose(done, arguments), encoding="utf-8")
        console.print(f"wrote {given.write}", soft_wrap=True)
    return 1 if failed else 0


def _measure(name: str, given: Options, console: Console) -> Section | None:
    console.print(f"measuring: {name} …", style="dim")
    try:
        section: Section = importlib.import_module(f"bench.{name}").measure(given)
    except CoinferError as error:
        console.print(f"{name}: {error}", style="red", soft_wrap=True, markup=False)
    except Exception:  # a fault of ours: the others are still worth having
        console.print(f"{name}:", style="red")
        console.print_exception()
    else:
        return section
    return None
