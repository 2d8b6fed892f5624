# SPDX-License-Identifier: Apache-2.0
"""Runs a program that prints a line now and then, and has its newest line at hand."""

from __future__ import annotations

import os
import selectors
import subprocess
import threading
from collections.abc import Callable

GOODBYE_S = 0.5
LONGEST_LINE = 8192  # those of tegrastats stay under 1000 bytes
LAST_WORDS = 300


class Program:
    """The program while it runs; a thread reads it, lest lines pile up and grow old in the pipe."""

    def __init__(self, command: tuple[str, ...], now: Callable[[], float]) -> None:
        # Popen gives it the default SIGPIPE, which Python itself ignores. In a session of its own
        # it does not get this terminal's Ctrl-C, after which its last figures are still wanted.
        self._process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._now = now
        self._changed = threading.Condition()
        self._line: tuple[float, str] | None = None
        self._rest, self._too_long, self._within_too_long = b"", 0, False
        self._words = b""
        self._ended = False
        self._thread = threading.Thread(target=self._read, name="lines", daemon=True)
        self._thread.start()

    def next_line(self, timeout_s: float) -> tuple[float, str] | None:
        """Wait for a line not yet returned, and return when it came, and it.

        :returns: the newest; None when the time is over or the program has ended.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._line is not None or self._ended, timeout_s)
            line, self._line = self._line, None
            return line

    def forget_too_long(self) -> int:
        """Return how many lines have been too long since the last call."""
        with self._changed:
            count, self._too_long = self._too_long, 0
            return count

    def fate(self) -> str:
        """Say how it ended or that it is silent, with what it last complained of."""
        fate = "is silent"
        if self._ended:
            try:
                fate = f"ended with status {self._process.wait(GOODBYE_S)}"
            except subprocess.TimeoutExpired:
                fate = "has closed its output"
        words = " ".join(self._words.decode("utf-8", "replace").split())
        return f"{fate}: {words}" if words else fate

    def end(self) -> None:
        """End it, gently if it lets us, and leave nothing of it behind."""
        self._process.terminate()
        try:
            self._process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(GOODBYE_S)
        if not self._thread.is_alive():  # else a grandchild holds the pipes
            for pipe in (self._process.stdout, self._process.stderr):
                if pipe is not None:
                    pipe.close()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for pipe, take in (
                (self._process.stdout, self._take_lines),
                (self._process.stderr, self._take_words),
            ):
                if pipe is not None:
                    selector.register(pipe, selectors.EVENT_READ, take)
            while selector.get_map():
                for key, _ in selector.select():
                    chunk = os.read(key.fd, 65536)
                    if chunk:
                        key.data(chunk)
                    else:
                        selector.unregister(key.fileobj)
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _take_words(self, chunk: bytes) -> None:
        self._words = (self._words + chunk)[-LAST_WORDS:]

    def _take_lines(self, chunk: bytes) -> None:
        *lines, rest = (self._rest + chunk).split(b"\n")
        with self._changed:
            for line in lines:
                if self._within_too_long or len(line) > LONGEST_LINE:
                    self._too_long += not self._within_too_long
                    self._within_too_long = False
                else:
                    self._line = (self._now(), line.decode("utf-8", "replace") + "\n")
            if len(rest) > LONGEST_LINE and not self._within_too_long:
                self._too_long += 1
                self._within_too_long = True
            self._rest = b"" if self._within_too_long else rest
            self._changed.notify_all()
