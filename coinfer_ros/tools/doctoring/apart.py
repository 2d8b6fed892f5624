# SPDX-License-Identifier: Apache-2.0
"""Does checks in processes of their own, so that a driver that hangs or crashes stops no other."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from coinfer_ros.tools.doctoring.finding import Finding, Status

_TICK_S = 0.005


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    :param look: gives what it found, and may never return.
    :param late: what it is when it does not return in time.
    """

    area: str
    name: str
    look: Callable[[], Iterable[Finding]]
    late: Status = Status.FAULT

    def finding(self, status: Status, detail: str) -> Finding:
        """Return one finding of this check."""
        return Finding(self.area, self.name, status, detail)


def findings(checks: Sequence[Check], *, within_s: float) -> list[Finding]:
    """Do all checks at once and return what they found, in their order.

    :param within_s: how long each may take, s; what it found before stays.
    """
    end_s = time.monotonic() + within_s
    running: list[_Running] = []
    try:
        running.extend(_Running(check) for check in checks)
        return [found for one in running for found in one.found(end_s, within_s)]
    finally:
        for one in running:
            one.end()


class _Running:
    """A check that runs."""

    def __init__(self, check: Check) -> None:
        self._check = check
        reading, writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            _child(check, writing)
        with contextlib.suppress(OSError):  # here and there: whoever comes first
            os.setpgid(self._pid, self._pid)
        os.close(writing)
        self._reading = reading
        self._ended = False

    def found(self, end_s: float, within_s: float) -> Iterator[Finding]:
        content, in_time = self._read(end_s)
        for line in content.splitlines():
            entry = json.loads(line)
            yield Finding(**{**entry, "status": Status(entry["status"])})
        status = self._wait(end_s) if in_time else None
        if status is None:
            yield self._check.finding(self._check.late, f"no answer within {within_s:g} s")
        elif os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            yield self._check.finding(Status.FAULT, f"a library crashed with {name}")

    def end(self) -> None:
        """Kill what still runs, with its children; a process stuck in a driver is left behind."""
        if not self._ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
            self._wait(time.monotonic() + 20 * _TICK_S)
        os.close(self._reading)

    def _read(self, end_s: float) -> tuple[bytes, bool]:
        """Return what it wrote as whole lines, and whether it wrote all of it in time."""
        content = b""
        while select.select([self._reading], [], [], max(end_s - time.monotonic(), 0.0))[0]:
            chunk = os.read(self._reading, 65536)
            if not chunk:
                return content, True
            content += chunk
        return content[: content.rfind(b"\n") + 1], False

    def _wait(self, end_s: float) -> int | None:
        """Return how it ended, None: it did not."""
        while not self._ended:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._ended = True
                return status
            if time.monotonic() >= end_s:
                return None
            time.sleep(_TICK_S)
        return None


def _child(check: Check, writing: int) -> NoReturn:
    """Write one line a finding and end without anything of the parent's."""
    try:
        os.setpgid(0, 0)
        os.dup2(2, 1)  # stdout is the answer's alone
        for found in _looked(check):
            os.write(writing, (json.dumps(dataclasses.asdict(found)) + "\n").encode())
    finally:
        os._exit(0)


def _looked(check: Check) -> Iterator[Finding]:
    try:
        yield from check.look()
    except Exception as error:  # of whichever library
        words = " ".join(str(error).split())
        yield check.finding(Status.FAULT, f"{type(error).__name__}: {words}"[:300])
