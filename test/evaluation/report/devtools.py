# SPDX-License-Identifier: Apache-2.0
"""Speaks to a Chromium of its own by the DevTools protocol, over two pipes and without a port."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
    *("--no-first-run", "--disable-breakpad", "--disable-sync", "--disable-component-update"),
)
# With this flag, Chromium reads commands at file descriptor 3 and answers at 4.
PIPES = "--remote-debugging-pipe"
MOVED = 'exec "$0" "$@" 3<&0 4>&1 </dev/null >/dev/null'


class Tab:
    """One page of a running Chromium.

    :param process: it, with pipes to its protocol.
    :param log: what it says beside.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._process, self._log = process, log
        self._end_s = time.monotonic() + DEADLINE_S
        self._received = b""
        self._asked = 0
        self._session: dict[str, str] = {}
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the reply to a command."""
        self._asked += 1
        command = {"id": self._asked, "method": method, "params": parameters, **self._session}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\0")
        while (message := self._next()).get("id") != self._asked:
            self.events.append(message)
        assert "error" not in message, f"{method}: {message}"
        return message["result"]

    def wait_for(self, event: str) -> None:
        """Return as soon as an event has come."""
        while all(one["method"] != event for one in self.events):
            self.events.append(self._next())

    def close(self) -> None:
        """Let the whole browser end by itself, so that it collects its own children."""
        self._session = {}
        self.ask("Browser.close")
        self._process.wait(max(0.0, self._end_s - time.monotonic()))

    def _next(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\0" not in self._received:
            left_s = max(0.0, self._end_s - time.monotonic())
            ready, _, _ = select.select([self._process.stdout], [], [], left_s)
            piece = os.read(self._process.stdout.fileno(), 1 << 20) if ready else b""
            if not piece:
                what = "ended" if ready else f"did not finish within {DEADLINE_S:g} s"
                said = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Chromium {what}: {said}")
            self._received += piece
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)


@contextlib.contextmanager
def chromium(program: str) -> Iterator[Tab]:
    """Run it with a profile of its own; on every way out all its processes are gone."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = ["sh", "-c", MOVED, program, *FLAGS, PIPES, f"--user-data-dir={profile}"]
        log = Path(profile) / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                bufsize=0,
                env={**os.environ, "HOME": profile},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        with process:
            try:
                tab = Tab(process, log)
                yield tab
                tab.close()
            finally:
                with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                    os.killpg(process.pid, signal.SIGKILL)
