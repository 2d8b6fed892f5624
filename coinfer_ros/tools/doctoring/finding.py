# SPDX-License-Identifier: Apache-2.0
"""One thing that the doctor found, and how an error of ours becomes one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.core.errors import CoinferError, Unavailable
from coinfer_ros.tools.doctoring.rights import remedy

# How our errors end where one command helps.
_COMMAND = re.compile(r"(?:run once|run|may need): ([^;()]+)")


class Status(str, Enum):
    """How something is."""

    GOOD = "good"
    LIMITED = "limited"  # there, but not to its full
    MISSING = "missing"  # not on this machine, as most things are
    FAULT = "fault"  # should work, and does not


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    :param area: ``power``, ``clocks``, ``leftovers``, ``ROS`` or ``software``.
    :param name: what in it: ``nvml GPU 0``.
    :param detail: what was found, in words.
    :param remedy: the one command that mends it; empty: none, or nothing to mend.
    """

    area: str
    name: str
    status: Status
    detail: str
    remedy: str = ""


def refused(
    area: str, name: str, error: CoinferError, root: Path, *, absent: Status = Status.MISSING
) -> Finding:
    """Return what the refusal of a sensor or a clock means to people.

    :param root: where the system's files lie.
    :param absent: what it is when there is none.
    """
    status = absent if isinstance(error, Unavailable) else Status.LIMITED
    return said(area, name, status, str(error), root)


def said(area: str, name: str, status: Status, text: str, root: Path) -> Finding:
    """Return a finding whose words end with a command that helps, as our errors' do."""
    text = " ".join(text.split())
    if text.endswith(REMEDY):
        return Finding(area, name, status, text.removesuffix(f"; {REMEDY}"), remedy(root))
    command = _COMMAND.search(text) if status is not Status.MISSING else None
    return Finding(area, name, status, text, command.group(1).strip() if command else "")
