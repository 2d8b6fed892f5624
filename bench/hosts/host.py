# SPDX-License-Identifier: Apache-2.0
"""A host on this machine: a thread in a network and a /dev/shm of its own, and what it starts.

Nothing of it has a name and nothing is left behind whatever ends its maker, SIGKILL included: its
namespaces live as long as its thread or a process in it does.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from coinfer_ros.core.errors import NotPermitted, Unavailable

T = TypeVar("T")
# linux/sched.h, linux/mount.h
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


class Host:
    """It has a loopback interface alone, until others are put into it.

    :ivar network: the file that names its network, as in ``ip link set ... netns FILE``.
    """

    network: Path

    def __init__(self) -> None:
        """Make it.

        :raises NotPermitted: without the right to (CAP_SYS_ADMIN, as root has it).
        """
        # A namespace belongs to a thread, and Linux tells a child that asks for it of the death of
        # the thread that started it: this one lives as long as the host.
        self._thread = ThreadPoolExecutor(1)
        try:
            self.network = self.call(_leave_this_machine)
            self.run("ip", "link", "set", "lo", "up")
        except BaseException:
            self.close()
            raise

    def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Call a function there: sockets that it opens and programs that it starts stay there."""
        return self._thread.submit(function, *arguments).result()

    def run(self, *command: str) -> str:
        """Run a program there and return what it printed.

        :raises Unavailable: with the program's own words when it fails or is not there.
        """
        try:
            done = self.call(_run, command)
        except OSError as error:
            raise Unavailable(f"{command[0]} must be installed (iproute2): {error}") from error
        if done.returncode != 0:
            raise Unavailable(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def close(self) -> None:
        """Let it end with the last process in it."""
        self._thread.shutdown()


def _leave_this_machine() -> Path:
    """Give this thread a network and a /dev/shm of its own; return what names the network."""
    libc = _libc()
    _check(libc.unshare(CLONE_NEWNET | CLONE_NEWNS), "making a host")
    # What is mounted here is mounted nowhere else.
    _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mounting")
    # DDS takes whoever has the same shared memory for a neighbour, whatever networks they are on.
    _check(libc.mount(b"tmpfs", b"/dev/shm", b"tmpfs", 0, b"mode=1777"), "mounting")
    return Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net")


def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603


def _check(status: int, what: str) -> None:
    if status != 0:
        reason = os.strerror(ctypes.get_errno())
        raise NotPermitted(f"{what} must be permitted: run as root ({reason})")


@cache
def _libc() -> ctypes.CDLL:
    # os.unshare came with Python 3.12.
    return ctypes.CDLL(None, use_errno=True)
