# SPDX-License-Identifier: Apache-2.0
"""Looks at the shared memory through which nodes of one machine and one user pass messages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from coinfer_ros.tools.doctoring import ros
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.finding import Finding, Status
from coinfer_ros.tools.doctoring.rights import unwritable, user_name

NAME = "shared memory"
FOLDER = "/dev/shm/"  # noqa: S108 - where it lies
# Data of a participant and its ports, of Fast DDS 2 and 3, with what may be shared in place. Files
# that are locks beside them are not counted.
SEGMENT = re.compile(r"(?:fastrtps|fastdds)_(?:port[0-9]+|[0-9a-f]{16})|fast_datasharing_[^/ ]+")
# A participant needs 0.6 MB. A container gets 64 MiB in all unless asked otherwise.
LEAST_FREE_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Segment:
    """One piece of shared memory.

    :param in_use: whether a process has it open; None: its holder may be one that this user
        cannot look into.
    """

    name: str
    size_bytes: int
    uid: int
    in_use: bool | None


def check(root: Path, environ: Mapping[str, str]) -> Check:
    """Return the check of Fast DDS's shared memory.

    :param root: where ``dev`` and ``proc`` hang.
    """
    return Check(ros.AREA, NAME, partial(_look, root, environ))


def _look(root: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    if "fastrtps" not in (environ.get("RMW_IMPLEMENTATION") or ros.DEFAULT_RMW):
        return
    folder = root / "dev/shm"
    if not folder.is_dir() or unwritable([folder]):
        words = f"{folder} must be a folder that this user may write"
        yield Finding(ros.AREA, NAME, Status.FAULT, words, "sudo mount -t tmpfs tmpfs /dev/shm")
        return
    found = segments(root)
    free_bytes = shutil.disk_usage(folder).free
    words = f"{_mega(free_bytes)} free; {_counted(found)} of Fast DDS"
    if ended := [one for one in found if one.in_use is False]:
        words += f", {_counted(ended)} of them left by nodes that ended"
    if unseen := [one for one in found if one.in_use is None]:
        words += f"; this user cannot see whether {_counted(unseen)} of them are in use"
    scarce = free_bytes < LEAST_FREE_BYTES
    command = "docker run --shm-size 256m ...    # or --ipc host" if scarce else ""
    status = Status.LIMITED if scarce else Status.GOOD
    yield Finding(ros.AREA, NAME, status, words, command)
    if environ.get("FASTDDS_BUILTIN_TRANSPORTS") not in {"UDPv4", "UDPv6"} or ros.is_local(environ):
        for uid in sorted({one.uid for one in found} - {os.geteuid()}):
            yield _of_other(uid, [one for one in found if one.uid == uid])


def _of_other(uid: int, some: list[Segment]) -> Finding:
    """Say what another user's nodes, or what they left, do to this user's."""
    name, words = f"user {user_name(uid)}", f"{_counted(some)} of Fast DDS are theirs"
    if all(one.in_use is False for one in some):
        words += ", left by nodes that ended: a node of yours may hear nothing (Fast-DDS #3535)"
        command = f"sudo find /dev/shm -maxdepth 1 -name '*fast*_*' -uid {uid} -delete"
        return Finding(ros.AREA, name, Status.LIMITED, words, command)
    sure = any(one.in_use for one in some)
    words += f", {'' if sure else 'perhaps '}in use: their nodes and yours see each other's topics "
    # One side is enough, tried with Jazzy (Fast DDS 2.14.5), unless its own range is LOCALHOST,
    # with which it keeps shared memory whatever the variable says.
    words += "and get no data (Fast-DDS #1750, #5258), unless one side has UDP alone"
    command = "export FASTDDS_BUILTIN_TRANSPORTS=UDPv4 ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET"
    return Finding(ros.AREA, name, Status.LIMITED, words, command)


def segments(root: Path) -> list[Segment]:
    """List Fast DDS's shared memory."""
    mapped, blind = _mapped(root / "proc")
    found = []
    for path in sorted((root / "dev/shm").iterdir()):
        if SEGMENT.fullmatch(path.name):
            try:
                status = path.stat()
            except FileNotFoundError:  # it has just been removed
                continue
            in_use = True if path.name in mapped else (None if blind else False)
            found.append(Segment(path.name, status.st_size, status.st_uid, in_use))
    return found


def _mapped(proc: Path) -> tuple[set[str], bool]:
    """Return the names that processes have mapped, and whether some could not be looked into."""
    mapped: set[str] = set()
    blind = False
    for path in proc.glob("[0-9]*/maps"):
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except PermissionError:
            blind = True
        except OSError:  # it has just ended
            continue
        else:
            mapped |= {line.rpartition(FOLDER)[2] for line in lines if FOLDER in line}
    return mapped, blind


def _counted(some: Iterable[Segment]) -> str:
    sizes = [one.size_bytes for one in some]
    return f"{len(sizes)} segments ({_mega(sum(sizes))})"


def _mega(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes < 1e9 else f"{size_bytes / 1e9:,.1f} GB"
