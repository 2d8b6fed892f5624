# SPDX-License-Identifier: Apache-2.0
"""A program of the bench that answers lines with lines, and ends when there are no more."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path

from coinfer_ros.core.errors import Unavailable

GRACE_S = 5.0


class LineProgram:
    """The running program; leaving ``with contextlib.closing(...)`` ends it.

    :param script: Python file.
    :param arguments: its command line.
    """

    def __init__(self, script: Path, *arguments: str) -> None:
        self._name = script.name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(script), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def write(self, *words: object) -> None:
        """Send a line."""
        assert self._process.stdin is not None  # noqa: S101
        with contextlib.suppress(BrokenPipeError):  # it has ended: reading says so
            print(*words, file=self._process.stdin, flush=True)

    def read(self) -> str:
        """Return the next line.

        :raises Unavailable: when there is none, with what the program said last.
        """
        assert self._process.stdout is not None  # noqa: S101
        if line := self._process.stdout.readline():
            return line.strip()
        self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().strip().splitlines() or ["silent"]
        raise Unavailable(f"{self._name} has ended; {said[-1]}")

    def close(self) -> None:
        """End its input, wait, but not long."""
        try:
            self._process.communicate(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._errors.close()
