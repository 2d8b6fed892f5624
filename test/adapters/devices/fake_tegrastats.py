# SPDX-License-Identifier: Apache-2.0
"""Stands in for NVIDIA's tegrastats: run as a program, it prints what a plan says.

The plan is a JSON file, a list of steps: ``["line", text]`` and a pause of ``--interval``,
``["raw", text]`` without line break or pause, ``["error", text]`` to stderr,
``["stall", seconds]``, ``["repeat"]`` from the first step, ``["exit", status]``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(plan_file: str, option: str, interval_ms: str) -> int:
    if option != "--interval":
        return 64
    # As in a program in C; Python itself ignores it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    steps = json.loads(Path(plan_file).read_text("utf-8"))
    at = 0
    while at < len(steps):
        step, *arguments = steps[at]
        at += 1
        if step == "line":
            os.write(1, (arguments[0] + "\n").encode())
            time.sleep(int(interval_ms) / 1000)
        elif step in {"raw", "error"}:
            os.write(1 if step == "raw" else 2, arguments[0].encode())
        elif step == "stall":
            time.sleep(arguments[0])
        elif step == "repeat":
            at = 0
        elif step == "exit":
            return int(arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
