# SPDX-License-Identifier: Apache-2.0
"""Asks who owns a clock, without owning it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def of(folder: Path, device: str) -> str:
    """Return the process that owns a device, as ``Ownership`` notes it; empty: none does.

    A lock that others may share is taken for an instant: whoever wanted to own the device in that
    instant would be refused.

    :param folder: where the locks lie.
    """
    try:
        descriptor = os.open(folder / f"{device}.lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 1024, 0).decode("utf-8", "replace") or "a process"
    finally:
        os.close(descriptor)
    return ""
