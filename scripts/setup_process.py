# SPDX-License-Identifier: Apache-2.0
"""How the set-up runs other programs: one set-up at a time, a log of each, a line of progress."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import setup_rules as rules
from setup_rules import SetupError

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build"

# Variables that would lead pip or CMake to another Python's files.
_MISLEADING = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "_ROS_WHEELS_BOOTSTRAP_COMPLETE")

# A program that outlives a killed set-up keeps this open, and with it the lock.
_lock_files: list[int] = []


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Let one set-up at a time work in this checkout."""
    with Path(__file__).open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note("another set-up is at work in this folder; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        _lock_files[:] = [file.fileno()]
        yield


def announce(step: int, text: str) -> None:
    """Print the one line of a step."""
    print(f"[{step}/5] {text}", flush=True)


def note(text: str) -> None:
    """Print a line that is not a step."""
    print(f"      {text}", flush=True)


def child_environment() -> dict[str, str]:
    """Return this process's variables, fit for the programs of the new environment."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    return {**kept, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"}


def follow(
    command: Sequence[str],
    log_name: str,
    complaint: Callable[[str], str],
    environ: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
) -> None:
    """Run a command, keep what it prints in a log, and show what it is doing.

    :param complaint: makes the line of the error from all that was printed.
    :raises SetupError: when the command fails.
    """
    path = LOGS / f"{log_name}.log"
    printed: list[str] = []
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**child_environment(), **(environ or {})},
        pass_fds=_lock_files,
    )
    with process, path.open("a") as log:
        log.write(f"$ {shlex.join(command)}\n")
        for line in _shown(process):
            printed.append(line)
            log.write(line)
    if process.returncode != 0:
        raise SetupError(f"{complaint(''.join(printed))} (more in {path.relative_to(ROOT)})")


def _shown(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield a process's lines; show its activity, on a terminal live, elsewhere every 10 s."""
    terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns
    started = last = time.monotonic()
    doing = ""
    for line in _lines(process):
        if line and not line.startswith("Progress "):
            yield line
        doing = rules.activity(line, doing)
        now = time.monotonic()
        if not doing or now - last < (0.1 if terminal else 10.0):
            continue
        last = now
        text = f"      {doing} ({now - started:.0f} s)"
        print(f"\r\033[K{text[: columns - 1]}" if terminal else text, end="", flush=True)
        print(end="" if terminal else "\n", flush=True)
    if terminal:
        print("\r\033[K", end="", flush=True)


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield each line as it comes, and an empty one when none came for a second."""
    assert process.stdout is not None  # noqa: S101 - follow() asks for a pipe
    descriptor, rest, chunk = process.stdout.fileno(), b"", b" "
    while chunk:
        if not select.select([descriptor], [], [], 1.0)[0]:
            yield ""
            continue
        chunk = os.read(descriptor, 65536)
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (f"{line.decode(errors='replace')}\n" for line in whole)
    if rest:
        yield rest.decode(errors="replace")
