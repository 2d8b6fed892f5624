# SPDX-License-Identifier: Apache-2.0
"""Kills the owner of a clock before each line that it runs, and looks at what is left.

A program of its own, without threads, so that it can fork as often as it likes:
``kill_everywhere.py FOLDER devfreq|cpufreq STEP``, where STEP 1 is every line. It prints what it
did as JSON, or stops at the first death after which the clock could be lost.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices import sysfs
from coinfer_ros.adapters.devices.clocks import (
    cpufreq,
    cpufreq_policy,
    devfreq,
    former_state,
    frequency_domain,
    owned_clock,
    ownership,
)
from coinfer_ros.core.ports import ClockDriver

TRACED = {
    str(module.__file__)
    for module in (
        *(cpufreq, cpufreq_policy, devfreq, frequency_domain, sysfs),
        *(former_state, owned_clock, ownership),
    )
}


@dataclass(frozen=True)
class Clock:
    """A clock to be killed over: how its tree is written, opened and used."""

    write: Callable[[Path], object]
    open: Callable[[Path], ClockDriver]
    requests_hz: tuple[float, ...]


def clock_named(name: str) -> Clock:
    """Return a clock to be killed over."""
    if name == "devfreq":
        return Clock(trees.orin_gpu, devfreq.DevfreqClock, (408e6, 816e6))
    return Clock(trees.desktop_acpi, cpufreq.CpufreqClock, (3.2e9,))


class Bench:
    """One machine's tree, on which owners live and die."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.root, self._clock = root, clock
        clock.write(root)
        self._limits = [root / name for name in trees.limits(root)]
        self.before = self.limits()
        self._former = clock.open(root).former()
        self._state = root / "state" / f"{clock.open(root).device}.former.json"

    def use(self) -> None:
        """Do all that an owner does."""
        owned = self._own()
        for clock_hz in self._clock.requests_hz:
            owned.request_hz(clock_hz)
        owned.close()

    def recover(self) -> None:
        """Open the clock and let it go, as the next owner does."""
        self._own().close()

    def check_death(self) -> None:
        """Refuse a machine that is changed without a whole word of how it was."""
        if self.limits() != self.before:
            assert self._state.exists(), "the clock is changed and nothing says how it was"
        if self._state.exists():
            assert json.loads(self._state.read_text())["values"] == self._former

    def check_recovery(self) -> None:
        """Refuse a machine that is not as it was before anybody owned its clock."""
        assert self.limits() == self.before, self.limits()
        assert [path.suffix for path in self._state.parent.iterdir()] == [".lock"]

    def looks(self) -> tuple[object, ...]:
        """Return what one death differs from another by."""
        folder = self._state.parent
        names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        return (*self.limits(), *names)

    def limits(self) -> list[str]:
        """Return all that a clock may change, and what it may not."""
        return [path.read_text().strip() for path in self._limits]

    def _own(self) -> owned_clock.OwnedClock:
        driver = self._clock.open(self.root)
        return owned_clock.OwnedClock(driver, self._state.parent, root=self.root)


def survives(work: Callable[[], None], lines: int) -> bool:
    """Do ``work`` in a child that SIGKILL ends before its line number ``lines``.

    :return: true when it ended before that by itself.
    """
    pid = os.fork()
    if pid == 0:
        left = lines

        def trace(frame, event, _argument):
            nonlocal left
            if frame.f_code.co_filename not in TRACED:
                return None
            if event == "line":
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
            return trace

        sys.settrace(trace)
        try:
            work()
        except BaseException:
            sys.settrace(None)
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    assert status in (0, signal.SIGKILL), f"the owner failed with status {status}"
    return status == 0


def kill_once(bench: Bench, keep: Path, every: int) -> tuple[int, list[Path]]:
    """Kill an owner before one in ``every`` of its lines.

    :return: how often, and a copy of each machine that a death left unlike the others.
    """
    copies: dict[tuple[object, ...], Path] = {}
    for lines in itertools.count(1, every):
        done = survives(bench.use, lines)
        bench.check_death()
        if bench.looks() not in copies:
            copies[bench.looks()] = keep / str(lines)
            shutil.copytree(bench.root, keep / str(lines))
        bench.recover()
        bench.check_recovery()
        if done:
            break
    return lines // every, list(copies.values())


def kill_twice(bench: Bench, copies: list[Path], every: int) -> int:
    """Kill the next owner too, before one in ``every`` of its lines; return how often."""
    deaths = 0
    for copy in copies:
        for lines in itertools.count(1, every):
            shutil.rmtree(bench.root)
            shutil.copytree(copy, bench.root)
            done = survives(bench.recover, lines)
            bench.check_death()
            bench.recover()
            bench.check_recovery()
            if done:
                break
            deaths += 1
    return deaths


def main(folder: Path, name: str, every: int) -> None:
    """Kill once at every line asked for, and twice from each state that this leaves."""
    bench = Bench(folder / "machine", clock_named(name))
    deaths, copies = kill_once(bench, folder, every)
    second_deaths = kill_twice(bench, copies, 7 * every)
    print(json.dumps({"deaths": deaths, "kinds": len(copies), "second_deaths": second_deaths}))


if __name__ == "__main__":
    # In the folder above this one, where a test runner does not look.
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    import clock_trees as trees

    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
