# SPDX-License-Identifier: Apache-2.0
"""How much memory this process holds, as Linux counts it, and how to give back what is free."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.errors import Unavailable

_STATUS = Path("/proc/self/status")
_KIB = 1024


@dataclass(frozen=True)
class Resident:
    """Memory of a process that is in RAM now.

    :param own_bytes: its own; only swap could take it away.
    :param mapped_bytes: pages of files, checkpoints among them; the system takes them back when it
        needs room.
    """

    own_bytes: int
    mapped_bytes: int

    def __str__(self) -> str:
        return f"{self.own_bytes / 1e6:.0f} MB and {self.mapped_bytes / 1e6:.0f} MB of mapped files"


def resident(status: Path = _STATUS) -> Resident:
    """Return what this process holds.

    :raises Unavailable: where the system does not tell.
    """
    try:
        lines = status.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise Unavailable(f"resident memory must be told by {status}, got {error}") from error
    sizes = dict(line.split(":", 1) for line in lines if line.startswith("Rss"))
    try:
        own, files, shared = (
            int(sizes[name].split()[0]) * _KIB for name in ("RssAnon", "RssFile", "RssShmem")
        )
    except (KeyError, ValueError, IndexError) as error:
        raise Unavailable(
            f"resident memory must be told by {status} in RssAnon, RssFile and RssShmem, got none"
        ) from error
    return Resident(own_bytes=own + shared, mapped_bytes=files)


def give_back() -> None:
    """Return freed memory to the system, milliseconds of work.

    The GNU C library keeps what was freed for the next time, up to 32 MB a piece: after a change of
    weights as much as they took. Other C libraries have no such call and do without.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@functools.cache
def _trim() -> ctypes._NamedFuncPointer | None:
    name = ctypes.util.find_library("c")
    return getattr(ctypes.CDLL(name), "malloc_trim", None) if name else None
