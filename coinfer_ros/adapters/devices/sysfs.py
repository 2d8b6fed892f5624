# SPDX-License-Identifier: Apache-2.0
"""Reads and writes the small text files through which Linux shows devices."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable

# No file of one value is longer; a longer one is no such file.
LONGEST_BYTES = 65536


def read_text(path: Path) -> str:
    """Return the file's text without its last line break.

    :raises NotPermitted: when this user may not read it.
    :raises Unavailable: when it is not there, or its device does not answer.
    """
    try:
        with path.open("rb", buffering=0) as file:
            content = file.read(LONGEST_BYTES)
    except PermissionError as error:
        raise NotPermitted(f"{path} must be readable by this user: {error.strerror}") from error
    except OSError as error:
        raise Unavailable(f"{path} must be there: {error.strerror}") from error
    if content is None:  # EAGAIN, as a thermal zone of a Jetson whose unit sleeps
        raise Unavailable(f"{path} must answer: its device has nothing to say now")
    return content.decode("utf-8", "replace").strip("\0\n ")


def read_number(path: Path, *, scale: float = 1.0) -> float:
    """Return the whole number in the file, times ``scale`` to have it in SI units.

    :raises NotPermitted: as ``read_text``.
    :raises Unavailable: as ``read_text``.
    :raises InvalidInput: when it is no whole number.
    """
    text = read_text(path)
    try:
        return int(text) * scale
    except ValueError as error:
        raise InvalidInput(f"{path} must hold a whole number, got {text[:40]!r}") from error


def write_text(path: Path, text: str, *, remedy: str) -> None:
    """Write a file of one value in one call, as drivers want it.

    :param remedy: what the user can do when it is not permitted.
    :raises NotPermitted: when this user may not write it; with the remedy.
    :raises Unavailable: when it is not there, or the driver refuses the value.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except PermissionError as error:
        raise NotPermitted(f"{path} must be writable by this user; {remedy}") from error
    except OSError as error:
        if error.errno == errno.EROFS:  # as a container sees /sys
            raise NotPermitted(f"{path} lies on a read-only file system; {remedy}") from error
        raise Unavailable(f"{path} must take {text!r}: {error.strerror}") from error
