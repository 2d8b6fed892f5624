# SPDX-License-Identifier: Apache-2.0
"""What a process holds, sample by sample, for telling what grows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
KIB = 1024


@dataclass(frozen=True)
class Held:
    """What one process holds at one moment.

    :param resident_bytes: memory in use, that which it shares with others included.
    :param own_bytes: the part of it that is no file's and shared with none.
    :param threads: how many there are.
    :param files: descriptors that are open.
    """

    resident_bytes: int
    own_bytes: int
    threads: int
    files: int


def held(pid: int) -> Held:
    """Look at a process.

    :raises FileNotFoundError: when it has ended.
    """
    status = (PROC / str(pid) / "status").read_text(encoding="utf-8")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return Held(
        resident_bytes=KIB * int(fields["VmRSS"].split()[0]),
        own_bytes=KIB * int(fields["RssAnon"].split()[0]),
        threads=int(fields["Threads"]),
        files=sum(1 for _ in (PROC / str(pid) / "fd").iterdir()),
    )
