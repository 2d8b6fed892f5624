# SPDX-License-Identifier: Apache-2.0
"""A check that hangs or crashes costs its own answer, and no other."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinfer_ros.tools.doctoring.apart import Check, findings
from coinfer_ros.tools.doctoring.finding import Finding, Status

FIRST = Finding("power", "first", Status.GOOD, "38 W now")
SECOND = Finding("clocks", "second", Status.LIMITED, "may not be written", "sudo sh it")


def _gives(*found: Finding) -> Check:
    return Check("power", "x", lambda: found)


def _hangs() -> Iterator[Finding]:
    yield FIRST
    time.sleep(60)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_findings_come_in_the_order_of_the_checks_as_they_were_given() -> None:
    checks = [_gives(FIRST, SECOND), _gives(), _gives(SECOND)]
    assert findings(checks, within_s=10.0) == [FIRST, SECOND, SECOND]


@pytest.mark.parametrize("late", [Status.FAULT, Status.LIMITED])
def test_a_check_that_hangs_is_named_and_keeps_what_it_found_before(late: Status) -> None:
    hung = Check("power", "nvml", _hangs, late)
    found = findings([hung, _gives(SECOND)], within_s=0.3)
    assert found == [FIRST, Finding("power", "nvml", late, "no answer within 0.3 s"), SECOND]


def test_what_a_hung_check_has_started_ends_with_it(tmp_path: Path) -> None:
    noted = tmp_path / "pid"

    def starts() -> Iterator[Finding]:
        noted.write_text(str(subprocess.Popen(["/bin/sleep", "60"]).pid))
        yield FIRST
        time.sleep(60)

    findings([Check("power", "x", starts)], within_s=1.0)
    end_s = time.monotonic() + 5.0
    while _is_alive(int(noted.read_text())) and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not _is_alive(int(noted.read_text()))


def test_a_library_that_crashes_is_a_fault_of_that_check() -> None:
    def crashes() -> Iterator[Finding]:
        yield FIRST
        faulthandler.disable()  # pytest's, which would print how it came to this
        ctypes.string_at(0)

    found = findings([Check("power", "nvml", crashes), _gives(SECOND)], within_s=10.0)
    fault = Finding("power", "nvml", Status.FAULT, "a library crashed with SIGSEGV")
    assert found == [FIRST, fault, SECOND]


def test_an_error_of_any_kind_is_a_fault_in_one_line() -> None:
    def fails() -> Iterator[Finding]:
        yield FIRST
        raise OSError("two\nlines")

    fault = Finding("power", "x", Status.FAULT, "OSError: two lines")
    assert findings([Check("power", "x", fails)], within_s=10.0) == [FIRST, fault]


def test_what_a_library_prints_is_not_part_of_the_answer(capfd) -> None:
    def prints() -> Iterator[Finding]:
        os.write(1, b"hello from C\n")
        yield FIRST

    assert findings([Check("power", "x", prints)], within_s=10.0) == [FIRST]
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "hello from C\n")


def _children() -> set[str]:
    """Return the ids of this process's children, whichever thread began them."""
    found = (task / "children" for task in Path("/proc/self/task").iterdir())
    return {child for each in found for child in each.read_text(encoding="ascii").split()}


def test_no_process_and_no_file_stays_behind() -> None:
    before = set(os.listdir("/proc/self/fd")), _children()
    findings([_gives(FIRST), Check("power", "x", _hangs)], within_s=0.2)
    assert (set(os.listdir("/proc/self/fd")), _children()) == before
