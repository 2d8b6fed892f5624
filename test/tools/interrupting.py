# SPDX-License-Identifier: Apache-2.0
"""Presses Ctrl-C in the middle of a long command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

INTERRUPTED = 130
DEADLINE_S = 240.0


def interrupted(*words: str, once: Path, has_lines: int) -> str:
    """Run ``coinfer`` until a file has more lines than given, press Ctrl-C; return what it says.

    The installed command where there is one: processes that it starts run its file again.
    """
    installed = Path(sys.executable).parent / "coinfer"
    command = [installed] if installed.exists() else [sys.executable, "-m", "coinfer_ros.tools.cli"]
    process = subprocess.Popen(
        [*command, *words],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        until_s = time.monotonic() + DEADLINE_S
        while not (once.exists() and len(once.read_text().splitlines()) > has_lines):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < until_s
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert process.returncode == INTERRUPTED, said
    assert "the same command goes on" in said
    return said
