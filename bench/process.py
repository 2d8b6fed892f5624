# SPDX-License-Identifier: Apache-2.0
"""What /proc tells of the nodes that this process has started."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from coinfer_ros.core.errors import Unavailable

PROC = Path("/proc")


def nodes(names: Iterable[str]) -> dict[str, int]:
    """Return the process ids of our children by the node name they were started under.

    :raises Unavailable: naming a node without a process, or where there is no /proc.
    """
    commands = {
        int(folder.name): _read(folder / "cmdline").split("\0")
        for folder in PROC.glob("[0-9]*")
        if _parent(folder) == os.getpid()
    }
    found = {}
    for name in names:
        pids = [pid for pid, command in commands.items() if f"__node:={name}" in command]
        if not pids:
            raise Unavailable(f"node {name} must be a child process in {PROC}, got none")
        found[name] = pids[0]
    return found


def cpu_s(pid: int) -> float:
    """Return the processor time of all living threads of a process, s."""
    # Nanoseconds, where /proc/PID/stat counts steps of 10 ms.
    tasks = (PROC / str(pid) / "task").glob("*/schedstat")
    return sum(int(_read(task).split()[0]) for task in tasks) * 1e-9


def memory_mib(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process and the part that it shares with none, MiB."""
    lines = _read(PROC / str(pid) / "status").splitlines()
    fields = dict(line.partition(":")[::2] for line in lines)
    resident, own = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))
    return resident, own


def _parent(folder: Path) -> int:
    # The second field is a name in brackets that may hold blanks: count from its end.
    after = _read(folder / "stat").rpartition(")")[2].split()
    return int(after[1]) if after else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
