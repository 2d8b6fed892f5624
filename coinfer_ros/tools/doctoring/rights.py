# SPDX-License-Identifier: Apache-2.0
"""Tells what this process may do, and which command would let its user do more."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable
from pathlib import Path

from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.sysfs import read_text
from coinfer_ros.core.errors import NotPermitted, Unavailable

GROUP = "coinfer"
PERMIT = REMEDY.partition(": ")[2]
# Bit 21 of linux/capability.h. NVIDIA's driver asks for no other: NV_IS_SUSER in
# kernel-open/common/inc/nv-linux.h of its open modules.
CAP_SYS_ADMIN = 1 << 21
# The whole range of user numbers: no user namespace, in which a capability is worth nothing to it.
_ALL_USERS = ["0", "0", "4294967295"]


def remedy(root: Path) -> str:
    """Return the command that gives this user the rights of the group, empty: nothing does."""
    if os.geteuid() == 0:
        return ""
    gid, members = _group(root)
    own = {os.getegid(), *os.getgroups()}
    joined_since = user_name(os.geteuid()) in members and gid not in own
    # Groups are read at login: a member of a minute ago has its rights only in a new shell.
    return f"newgrp {GROUP}    # or log out and in" if joined_since else PERMIT


def unwritable(paths: Iterable[Path]) -> str:
    """Return why this user may not write all of these files, empty: nothing is in the way."""
    refused = [path for path in paths if not os.access(path, os.W_OK, effective_ids=True)]
    if not refused:
        return ""
    more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
    by_root = ", not even by root: a container's are read-only" if os.geteuid() == 0 else ""
    return f"{refused[0]}{more} may not be written{by_root}"


def may_administer(root: Path) -> bool:
    """Tell whether this process has CAP_SYS_ADMIN in the eyes of the kernel's drivers."""
    try:
        status = read_text(root / "proc/self/status")
        users = read_text(root / "proc/self/uid_map")
    except (NotPermitted, Unavailable):
        return False
    masks = [line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")]
    return users.split() == _ALL_USERS and any(int(mask, 16) & CAP_SYS_ADMIN for mask in masks)


def user_name(uid: int) -> str:
    """Return a user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(root: Path) -> tuple[int, list[str]]:
    """Return number and members of our group; -1 where there is none."""
    try:
        lines = read_text(root / "etc/group").splitlines()
    except (NotPermitted, Unavailable):
        lines = []
    for words in (line.split(":") for line in lines):
        if len(words) == 4 and words[0] == GROUP and words[2].isdigit():
            return int(words[2]), words[3].split(",")
    return -1, []
