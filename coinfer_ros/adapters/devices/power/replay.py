# SPDX-License-Identifier: Apache-2.0
"""Replays a record of power, or a log of tegrastats, as a sensor."""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coinfer_ros.adapters.devices.power.record import FORMAT, read_record
from coinfer_ros.adapters.devices.power.tegrastats_log import read_log
from coinfer_ros.core.energy.counter import Unwrapped
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Sample, SensorInfo

PATIENCE_PERIODS = 3.0


class ReplaySensor:
    """The samples of a record, at their times after the first call.

    :param path: a record, or what ``tegrastats --logfile`` wrote; its total is that of the boards
        that have such rails.
    :param now: monotonic clock, s.
    :param loop: begin again at the end, the counter going on; else it ends.
    :param interval_s: time between two lines of a log, s; without, their dates must advance.
    :param wait: waits so many seconds; without, ``close`` ends the wait.
    :raises InvalidInput: when the file has no good sample, or no time.
    :raises Unavailable: when it cannot be read.
    """

    def __init__(
        self,
        path: Path,
        now: Callable[[], float] = time.monotonic,
        *,
        loop: bool = False,
        interval_s: float | None = None,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self.faults = Faults()
        try:
            text = path.read_bytes()
        except OSError as error:
            raise Unavailable(f"{path} must be readable: {error.strerror}") from error
        lines = [it.decode("utf-8", "replace") for it in text.splitlines(True) if it.strip()]
        if lines and lines[0].lstrip().startswith("{"):
            self.info, self._samples = read_record(lines, path, self.faults)
        else:
            self.info, self._samples = read_log(lines, path, interval_s, self.faults)
        if not self._samples:
            first = repr(lines[0][:60]) if lines else "nothing"
            raise InvalidInput(
                f"{path} must be a {FORMAT} record or a log of tegrastats with at least one sample "
                f"of power, got {first}; left out: {str(self.faults) or 'nothing'}"
            )
        if loop and _falls(self._samples, self.info):
            self.faults.add("counter begins anew within the record", "it is left out of the loop")
            self._samples = [dataclasses.replace(it, counter_j=math.nan) for it in self._samples]
        self._lap_s, self._lap_j = _lap(self._samples, self.info)
        mean_step_s = self._lap_s / len(self._samples)
        self._patience_s = PATIENCE_PERIODS * max(self.info.period_s, mean_step_s)
        self._path, self._now, self._loop = path, now, loop
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._next = 0
        self._begun_s = math.nan

    def sample(self) -> Sample:
        """Wait for the next sample that was recorded, at most three periods, and return it.

        Samples whose successor is due too are passed over.

        :raises Unavailable: at the end, in a gap of the record, and once closed.
        """
        if math.isnan(self._begun_s):
            self._begun_s = self._now()
        elapsed_s = self._now() - self._begun_s
        while self._due_s(self._next + 1) <= elapsed_s:
            self._next += 1
        left_s = self._due_s(self._next) - elapsed_s
        if left_s == math.inf:
            raise Unavailable(f"{self._path}: the trace has ended")
        if left_s > 0:
            self._wait(min(left_s, self._patience_s))
        if self._closed.is_set():
            raise Unavailable(f"{self._path} must not be closed to be replayed")
        if left_s > self._patience_s:
            raise Unavailable(f"{self._path}: nothing was recorded for {left_s:.3g} s")
        self._next += 1
        return self._sample(self._next - 1)

    def close(self) -> None:
        """End a wait; twice is once."""
        self._closed.set()

    def _due_s(self, index: int) -> float:
        lap, within = divmod(index, len(self._samples))
        if lap and not self._loop:
            return math.inf
        return lap * self._lap_s + self._samples[within].at_s

    def _sample(self, index: int) -> Sample:
        lap, within = divmod(index, len(self._samples))
        sample = self._samples[within]
        counter_j = (sample.counter_j + lap * self._lap_j) % self.info.wraps_at_j
        at_s = self._begun_s + self._due_s(index)
        return dataclasses.replace(sample, at_s=at_s, counter_j=counter_j)


def _falls(samples: Sequence[Sample], info: SensorInfo) -> bool:
    """Tell whether the counter falls or jumps within a record other than by wrapping."""
    counted = [sample for sample in samples if not math.isnan(sample.counter_j)]
    counter = Unwrapped(info.wraps_at_j)
    steps_j = [
        counter.step_j(after.counter_j, elapsed_s=after.at_s - before.at_s)
        for before, after in itertools.pairwise([Sample(-math.inf), *counted])
    ]
    return any(math.isnan(step_j) for step_j in steps_j[1:])


def _lap(samples: Sequence[Sample], info: SensorInfo) -> tuple[float, float]:
    """Return how long the trace is, s, and how far its counter comes in that time, J."""
    step_s = samples[-1].at_s / (len(samples) - 1) if len(samples) > 1 else info.period_s
    lap_s = samples[-1].at_s + step_s
    counted = [sample for sample in samples if not math.isnan(sample.counter_j)]
    if not counted or counted[-1].at_s == counted[0].at_s:
        return lap_s, 0.0
    advance_j = counted[-1].counter_j - counted[0].counter_j
    if info.wraps_at_j < math.inf:
        advance_j %= info.wraps_at_j
    # What was not counted is taken to have been at the same mean power.
    return lap_s, max(advance_j, 0.0) * lap_s / (counted[-1].at_s - counted[0].at_s)
