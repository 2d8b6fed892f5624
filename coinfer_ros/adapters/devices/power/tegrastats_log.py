# SPDX-License-Identifier: Apache-2.0
"""Reads what ``tegrastats --logfile`` wrote."""

from __future__ import annotations

import dataclasses
import itertools
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from coinfer_ros.adapters.devices import boards
from coinfer_ros.adapters.devices.power.hwmon import PERIOD_S, STEP_W
from coinfer_ros.adapters.devices.power.tegrastats import to_sample
from coinfer_ros.adapters.devices.power.tegrastats_line import Tegrastats, parse
from coinfer_ros.core.checks import number
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Sample, SensorInfo


def read_log(
    lines: Sequence[str], path: Path, interval_s: float | None, faults: Faults
) -> tuple[SensorInfo, list[Sample]]:
    """Return what a log says of its sensor, and its samples from time 0 on.

    :param lines: the file's.
    :param path: its name, for the sensor's words and errors.
    :param interval_s: time between two lines, s; None: as their dates say.
    :param faults: counts what is no reading.
    :raises InvalidInput: when no time can be told.
    """
    parsed = [parse(line) for line in lines]
    usual_s, steps_s = _steps_s(parsed, interval_s)
    if not usual_s and any(line.rails for line in parsed):
        raise InvalidInput(
            f"{path} needs device.trace_interval_s above 0: its lines have no dates that advance"
        )
    samples = list(_logged(parsed, itertools.accumulate(steps_s), faults))
    summed = any(not math.isnan(sample.power_w) for sample in samples)
    total = "the total by the names of its rails" if summed else "single rails only, no total"
    period_s = max(usual_s, PERIOD_S)
    covers = f"{path.name}, a log of tegrastats, {total}"
    return SensorInfo("replay", covers, period_s, STEP_W * period_s, paces_itself=True), samples


def _logged(
    lines: Iterable[Tegrastats], times_s: Iterable[float], faults: Faults
) -> Iterator[Sample]:
    first_s = math.nan
    for line, at_s in zip(lines, times_s, strict=False):
        for reason in line.left_out:
            faults.add(reason)
        if not line.rails:
            faults.add("line without a rail")
            continue
        first_s = at_s if math.isnan(first_s) else first_s
        sample = to_sample(line, at_s - first_s, None)
        totals_w = {boards.total_w(board, sample.rails) for board in boards.BOARDS}
        known_w = [total_w for total_w in totals_w if not math.isnan(total_w)]
        yield dataclasses.replace(sample, power_w=known_w[0] if len(known_w) == 1 else math.nan)


def _steps_s(lines: Sequence[Tegrastats], interval_s: float | None) -> tuple[float, list[float]]:
    """Return the usual time between two lines, and that between each and the one before it, s.

    Dates are whole seconds, so only the mean of their steps is the interval; a step far above the
    median is a pause of the log. Without dates that advance the usual time is 0.
    """
    if interval_s is not None:
        number("interval_s", interval_s, above=0.0, high=1e5, unit="s")
        return interval_s, [0.0] + [interval_s] * (len(lines) - 1)
    dates = [line.printed_at for line in lines]
    steps_s = [(b - a).total_seconds() if a and b else -1.0 for a, b in itertools.pairwise(dates)]
    forward_s = [step_s for step_s in steps_s if step_s >= 0.0]
    pause_s = 2.0 * statistics.median(forward_s or [0.0]) + 1.0
    usual_s = statistics.fmean([it for it in forward_s if it <= pause_s] or [0.0])
    return usual_s, [0.0] + [step_s if step_s > pause_s else usual_s for step_s in steps_s]
