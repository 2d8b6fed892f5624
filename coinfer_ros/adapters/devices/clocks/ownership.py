# SPDX-License-Identifier: Apache-2.0
"""Gives a device one owner among all processes, until that owner lets go or dies."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import weakref
from pathlib import Path

from coinfer_ros.adapters.devices.clocks.former_state import in_folder
from coinfer_ros.core.errors import Unavailable

_LONGEST_COMMAND = 120


class Ownership:
    """Holds the file ``<device>.lock`` locked.

    The kernel frees the lock with the process, however that ends. The file itself stays: whoever
    removed it could lock out nobody.

    :param folder: where it lies; made when it is missing.
    :param device: the driver's name for the device.
    :raises Unavailable: when somebody owns it, naming who.
    :raises NotPermitted: with the one command that permits it.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._descriptor: int | None = None
        with in_folder(folder):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = _open(folder / f"{device}.lock")
            try:
                _lock(descriptor, device)
                self._name = _named(device)
            except BaseException:
                os.close(descriptor)
                raise
        self._descriptor = descriptor
        _held.add(self)

    @property
    def held(self) -> bool:
        """False after ``release``, and in every child of the process that took it."""
        return self._descriptor is not None

    def release(self) -> None:
        """Let go; twice is once."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            self.forget()

    def forget(self) -> None:
        """Close the file without unlocking what a parent process may hold through it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._name.close()
            self._descriptor = None


def _open(path: Path) -> int:
    # Whoever may enter the folder may lock: a run as root must not shut the user out for good.
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return os.open(path, flags)
    os.fchmod(descriptor, 0o666)
    return descriptor


def _named(device: str) -> socket.socket:
    """Take a name that the whole machine has once, whatever folders its processes were told.

    It is an abstract socket of Linux, which goes with the process like the lock; nobody answers
    there. A container with a network of its own has names of its own.

    :raises Unavailable: when somebody else has it.
    """
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f"\0coinfer-clock-{device}")
    except OSError as error:
        name.close()
        raise Unavailable(
            f"the clock of {device} must have one owner, and a process that keeps its state in "
            "another folder (clock.state_dir) owns it"
        ) from error
    return name


def _lock(descriptor: int, device: str) -> None:
    """Lock the file and write into it who did.

    :raises Unavailable: when somebody else has locked it.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(descriptor, 1024, 0).decode("utf-8", "replace") or "a process"
        raise Unavailable(
            f"the clock of {device} must have one owner, and {owner} owns it"
        ) from error
    command = " ".join(sys.orig_argv)[:_LONGEST_COMMAND]
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} ({command})".encode(), 0)


# A fork shares the lock: without this, a worker process would go on holding a killed owner's.
_held: weakref.WeakSet[Ownership] = weakref.WeakSet()


def _forget_all() -> None:
    for ownership in _held:
        ownership.forget()


os.register_at_fork(after_in_child=_forget_all)
