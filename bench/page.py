# SPDX-License-Identifier: Apache-2.0
"""The page docs/benchmarks.md: the machine, the command, every section."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path

from bench.section import Section, on_page

INTRODUCTION = """\
# Benchmarks

Written by `make bench`, never by hand: figures of one machine on one day, to compare a change with
what was there before. No test depends on them. More: [an NVIDIA GPU](benchmarks-gpu.md), [two hosts
and several robots](benchmarks-hosts.md), [transports](transport.md).
"""

READING = """\
## How to read them

p50 is the median, p95 and p99 are exceeded once in 20 and once in 100 rounds. Each part's
percentiles are its own: the medians of parts need not add up to the median of the whole. Rounds
that warm up do not count. All processes share this one machine, so two cores that the nodes, the
operating system and the benchmark fight for show in p95 and p99 first.
"""


def compose(sections: Sequence[Section], arguments: Sequence[str]) -> str:
    """Return the page in Markdown.

    :param arguments: what the command line said beside ``make bench``.
    """
    words = f' ARGS="{shlex.join(arguments)}"' if arguments else ""
    facts = "\n".join(f"| {name} | {value} |" for name, value in machine().items())
    head = f"{INTRODUCTION}\n```\nmake bench{words}\n```\n\n| machine | |\n|:--|:--|\n{facts}\n"
    return "\n".join((head, READING, *(on_page(section) + "\n" for section in sections)))


def machine() -> dict[str, str]:
    """Return what the figures depend on; nothing that names this one host."""
    return {
        "CPU": _field("/proc/cpuinfo", "model name") or platform.processor() or "unknown",
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "NumPy": _version("numpy"),
        "torch": _version("torch"),
        "ROS middleware": _middleware(),
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _middleware() -> str:
    try:
        import rclpy  # noqa: PLC0415
    except ImportError:
        return "none"
    profile = os.environ.get("FASTRTPS_DEFAULT_PROFILES_FILE", "")
    beside = f", profile {Path(profile).name}" if profile else ""
    return f"{rclpy.get_rmw_implementation_identifier()}{beside}"


def _field(path: str, name: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
