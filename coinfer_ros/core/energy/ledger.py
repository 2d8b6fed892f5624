# SPDX-License-Identifier: Apache-2.0
"""Makes one continuous energy counter of a sensor's samples, and joules of any window of them."""

from __future__ import annotations

import math

from coinfer_ros.core.energy.counter import Unwrapped
from coinfer_ros.core.energy.history import History, Knot
from coinfer_ros.core.energy.idle import IdleFloor
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import PowerReading, Sample, SensorInfo
from coinfer_ros.core.spent import LEAST_PERIODS, UNKNOWN, Spent

# Shorter, and the drift of integrated power against the counter is the sensor's noise.
DRIFT_S = 5.0
ROUNDING = 1e-9


class Ledger:
    """The energy of one sensor.

    A sensor with a counter is followed by it; samples without it between carry it on. The power of
    others is integrated by trapezoids; what that may miss is half of every change of power times
    its time, for between two samples the power may have been either.

    :param info: the sensor's.
    :param faults: counts what is left out.
    :param idle_power_w: what the machine draws with nothing to do, W; NaN: learnt, as the least
        mean power of any second.
    """

    def __init__(self, info: SensorInfo, *, faults: Faults, idle_power_w: float = math.nan) -> None:
        self._info, self._faults = info, faults
        self._longest_gap_s = LEAST_PERIODS * info.period_s
        self._shortest_s = self._longest_gap_s * (1.0 - ROUNDING)
        self._idle = IdleFloor(idle_power_w)
        self._counter = Unwrapped(info.wraps_at_j)
        self._history = History(longest_gap_s=self._longest_gap_s)
        self._sample: Sample | None = None
        self._busy_s = 0.0
        self._counts = False  # once it has shown a counter
        self._counted_j = self._integrated_j = self._compared_s = 0.0
        self._since_moved_j = 0.0  # integrated since the counter last moved

    @property
    def idle_power_w(self) -> float:
        """What the machine draws with nothing to do, W; NaN: not known yet."""
        return self._idle.power_w

    @property
    def drift(self) -> float:
        """Share by which integrated power exceeds the counter; NaN: one of them is not there."""
        known = self._compared_s >= DRIFT_S and self._counted_j > 0.0
        return self._integrated_j / self._counted_j - 1.0 if known else math.nan

    def add(self, sample: Sample) -> None:
        """Take one sample; one that is no newer than the last is left out."""
        last = self._sample
        if last is not None and sample.at_s <= last.at_s:
            self._faults.add("sample not newer than the last")
            return
        counts = not math.isnan(sample.counter_j)
        if not counts and math.isnan(sample.power_w):
            return  # the gap that this leaves ends the thread if it lasts
        self._sample = sample
        # NaN once it is not known, and from then on.
        self._busy_s += sample.load * (sample.at_s - last.at_s) if last else 0.0
        self._counts |= counts
        knot = self._counted(last, sample) if self._counts else self._integrated(last, sample)
        if knot is not None:
            self._idle.add(knot)

    def reading(self, now_s: float) -> PowerReading:
        """Return the counter carried on to ``now_s`` at the power last seen.

        Its power and energy are NaN where nothing was seen for three sensor periods.
        """
        newest, power_w, energy_j = self._history.newest, math.nan, math.nan
        if newest and now_s - newest.at_s <= self._longest_gap_s:
            power_w = self._power_w(newest)
            energy_j = newest.energy_j + self._since_j(newest, now_s, power_w)
        breaks = newest.breaks if newest else 0
        return PowerReading(now_s, power_w, energy_j, self._busy_s, breaks, self._sample)

    def spent(self, from_s: float, to_s: float) -> Spent:
        """Return the energy of a window.

        Either end is uncertain by one sensor period at the most power seen beside it, and by one
        step of the counter.

        :param from_s: monotonic time, s.
        :param to_s: monotonic time, s.
        :returns: unknown for a window under three sensor periods, one that has left the ledger or
            has not been seen yet, and one in which the thread was lost.
        """
        newest = self._history.newest
        if newest is None or not to_s - from_s >= self._shortest_s:
            return UNKNOWN
        power_w = self._power_w(newest)
        begin, end = (self._history.at(at_s, power_w=power_w) for at_s in (from_s, to_s))
        if begin is None or end is None or begin.breaks != end.breaks:
            return UNKNOWN
        gross_j = end.energy_j - begin.energy_j
        edges_j = self._info.period_s * (begin.power_w + end.power_w)
        return Spent(
            gross_j=gross_j,
            above_idle_j=gross_j - self.idle_power_w * (to_s - from_s),
            error_j=2.0 * self._info.resolution_j + edges_j + end.doubt_j - begin.doubt_j,
        )

    def _since_j(self, newest: Knot, now_s: float, power_w: float) -> float:
        """Return the energy since the newest knot, integrated as far as there are samples."""
        if self._sample is None or math.isnan(self._since_moved_j):
            return power_w * max(now_s - newest.at_s, 0.0)
        return self._since_moved_j + power_w * max(now_s - self._sample.at_s, 0.0)

    def _power_w(self, newest: Knot) -> float:
        """Return the newest power, the sensor's own or else the counter's."""
        own_w = self._sample.power_w if self._sample else math.nan
        return newest.power_w if math.isnan(own_w) else own_w

    def _counted(self, last: Sample | None, sample: Sample) -> Knot | None:
        newest = self._history.newest
        elapsed_s = sample.at_s - newest.at_s if newest else math.inf
        self._since_moved_j += _trapezoid_j(last, sample) if last else 0.0
        if math.isnan(sample.counter_j):
            return None
        step_j = self._counter.step_j(sample.counter_j, elapsed_s=elapsed_s)
        if newest is None:
            first_w = 0.0 if math.isnan(sample.power_w) else sample.power_w
            return self._history.tie(sample.at_s, 0.0, power_w=first_w)
        if step_j == 0.0:
            return None  # it has not moved yet
        integrated_j, self._since_moved_j = self._since_moved_j, 0.0
        if math.isnan(step_j):
            return self._lose("counter fell or jumped", sample.at_s, newest.power_w)
        if elapsed_s > self._longest_gap_s:
            return self._lose("counter stood still", sample.at_s, newest.power_w)
        if not math.isnan(integrated_j):
            self._counted_j += step_j
            self._integrated_j += integrated_j
            self._compared_s += elapsed_s
        return self._history.tie(sample.at_s, step_j, power_w=step_j / elapsed_s)

    def _integrated(self, last: Sample | None, sample: Sample) -> Knot:
        if last is None or math.isnan(last.power_w):
            return self._history.tie(sample.at_s, 0.0, power_w=sample.power_w)
        elapsed_s = sample.at_s - last.at_s
        if elapsed_s > self._longest_gap_s:
            return self._lose("samples missing", sample.at_s, sample.power_w)
        return self._history.tie(
            sample.at_s,
            _trapezoid_j(last, sample),
            power_w=max(last.power_w, sample.power_w),
            doubt_j=abs(sample.power_w - last.power_w) * elapsed_s / 2.0,
        )

    def _lose(self, reason: str, at_s: float, power_w: float) -> Knot:
        self._faults.add(reason)
        return self._history.tie(at_s, 0.0, power_w=power_w, lost=True)


def _trapezoid_j(before: Sample, after: Sample) -> float:
    return (before.power_w + after.power_w) / 2.0 * (after.at_s - before.at_s)
