# SPDX-License-Identifier: Apache-2.0
"""Measures a Jetson's power through NVIDIA's program tegrastats."""

from __future__ import annotations

import math
import shutil
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from coinfer_ros.adapters.devices import boards
from coinfer_ros.adapters.devices.power.hwmon import PERIOD_S, STEP_W
from coinfer_ros.adapters.devices.power.line_program import Program
from coinfer_ros.adapters.devices.power.tegrastats_line import Tegrastats, parse
from coinfer_ros.core.checks import number
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Rail, Sample, SensorInfo

PATIENCE_INTERVALS = 5.0
LEAST_PATIENCE_S = 1.0  # a start on a busy board
LONGEST_PAUSE_S = 10.0


def to_sample(line: Tegrastats, at_s: float, board: boards.Board | None) -> Sample:
    """Return a line as a sample, with the total of the board; NaN where it is not known."""
    rails = tuple(Rail(rail.name, rail.now_w) for rail in line.rails)
    zones = {zone.zone.lower(): zone.temperature_c for zone in line.temperatures}
    return Sample(
        at_s=at_s,
        power_w=boards.total_w(board, rails) if board else math.nan,
        rails=rails,
        temperature_c=zones.get("gpu", zones.get("cpu", math.nan)),
        load=line.gpu_load,
    )


class TegrastatsSensor:
    """Power of a Jetson, one sample for each line that tegrastats prints.

    The program runs from the first sample until ``close``. Should this process be killed, it ends
    at its next line, which has no reader (SIGPIPE); only a silent one would stay.

    :param program: its name or path.
    :param root: where ``proc`` hangs.
    :param interval_s: time between two lines, s.
    :param now: monotonic clock, s; called by another thread.
    :raises InvalidInput: when the interval is out of range.
    :raises Unavailable: when there is no such program.
    """

    def __init__(
        self,
        program: str = "tegrastats",
        root: Path = Path("/"),
        interval_s: float = 0.1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = number("interval_s", interval_s, low=0.001, high=3600.0, unit="s")
        if shutil.which(program) is None:
            raise Unavailable(f"{program} must be an installed program; it comes with JetPack")
        self._command = (program, "--interval", str(round(interval_s * 1000)))
        self._now = now
        self.faults = Faults()
        self._board = boards.detect(root)
        # The lines may come faster, but the power in them is the same monitors'.
        period_s = max(interval_s, PERIOD_S)
        self.info = SensorInfo(
            "tegrastats", self._covers(), period_s, STEP_W * period_s, paces_itself=True
        )
        self._patience_s = max(PATIENCE_INTERVALS * interval_s, LEAST_PATIENCE_S)
        self._pause_s, self._start_at_s = 0.0, -math.inf
        self._child: Program | None = None
        self._end_child: Callable[[], object] = lambda: None
        self._closed = threading.Event()

    def sample(self) -> Sample:
        """Wait for the next line, at most a few intervals or a second.

        After a failure the next call starts the program again, at first soon, then less often.

        :raises Unavailable: when the program has ended or is silent; with its last words.
        """
        child = self._started()
        until_s = time.monotonic() + self._patience_s
        while (found := child.next_line(until_s - time.monotonic())) is not None:
            sample = self._read(*found)
            self._count_too_long(child)
            if sample is not None:
                self._pause_s = 0.0
                return sample
        self._count_too_long(child)
        fate = child.fate()
        self._end_child()
        self._child = None
        self._rest()
        raise Unavailable(f"{self._command[0]} {fate}")

    def close(self) -> None:
        """End the program; twice is once."""
        self._closed.set()
        self._end_child()
        self._child = None

    def _covers(self) -> str:
        if self._board is not None:
            return f"{self._board.name}, {self._board.covers}"
        self.faults.add("total not known", "the board is not in the table")
        return "single rails only, total not known: the board is not in the table"

    def _started(self) -> Program:
        if self._child is None:
            rest_s = self._start_at_s - time.monotonic()
            # Waiting here paces a caller that asks again at once.
            if self._closed.wait(min(max(rest_s, 0.0), self._patience_s)):
                raise Unavailable(f"{self._command[0]} must not be closed to be read")
            if rest_s > self._patience_s:
                raise Unavailable(f"{self._command[0]} failed, started again in {rest_s:.0f} s")
            try:
                self._child = Program(self._command, self._now)
            except OSError as error:
                self._rest()
                raise Unavailable(f"{self._command[0]} must run: {error.strerror}") from error
            # Once: by close, when the sensor is forgotten, or when Python ends.
            self._end_child = weakref.finalize(self, self._child.end)
        return self._child

    def _rest(self) -> None:
        self._pause_s = min(max(2.0 * self._pause_s, self._interval_s), LONGEST_PAUSE_S)
        self._start_at_s = time.monotonic() + self._pause_s

    def _read(self, at_s: float, text: str) -> Sample | None:
        line = parse(text)
        for reason in line.left_out:
            self.faults.add(reason, text.strip())
        sample = to_sample(line, at_s, self._board)
        if not sample.rails and not line.temperatures and math.isnan(sample.load):
            self.faults.add("line is no reading", text[:80].strip())
            return None
        if self._board and (missing := self._board.lacks(rail.name for rail in sample.rails)):
            self.faults.add("rail of the total missing", ", ".join(missing))
        return sample

    def _count_too_long(self, child: Program) -> None:
        for _ in range(child.forget_too_long()):
            self.faults.add("line too long")
