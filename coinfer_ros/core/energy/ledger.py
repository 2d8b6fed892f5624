# SPDX-License-Identifier: Apache-2.0
"""Makes one continuous energy counter of a sensor's samples, and joules of any window of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coinfer_ros.core.energy.counter import Unwrapped
from coinfer_ros.core.energy.history import History, Knot
from coinfer_ros.core.energy.idle import IdleFloor
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import PowerReading, Sample, SensorInfo
from coinfer_ros.core.spent import LEAST_PERIODS, UNKNOWN, Spent

# Shorter, and the drift of integrated power against the counter is the sensor's noise.
DRIFT_S = 5.0
ROUNDING = 1e-9
# A counter that moves by more times what its power accounts for has lost the thread.
JUMP = 4.0
# A look that comes after so many times its pace is late.
LATE = 1.5


@dataclass(frozen=True)
class Shown:
    """What a reading has said last: the breaks before it, and the energy, J."""

    breaks: int
    energy_j: float


class Ledger:
    """The energy of one sensor.

    A sensor with a counter is followed by it; samples without it between carry it on. The power of
    others is integrated by trapezoids; what that may miss is half of every change of power times
    its time, for between two samples the power may have been either, and what a look that came
    late may have missed.

    :param info: the sensor's.
    :param faults: counts what is left out.
    :param look_s: time between two samples, s; 0: the sensor's period.
    :param idle_power_w: what the machine draws with nothing to do, W; NaN: learnt.
    """

    def __init__(
        self,
        info: SensorInfo,
        *,
        faults: Faults,
        look_s: float = 0.0,
        idle_power_w: float = math.nan,
    ) -> None:
        self._info, self._faults = info, faults
        self._look_s = look_s or info.period_s
        self._longest_gap_s = LEAST_PERIODS * info.period_s
        self._shortest_s = self._longest_gap_s * (1.0 - ROUNDING)
        self._idle = IdleFloor(idle_power_w)
        self._counter = Unwrapped(info.wraps_at_j)
        self._history = History(period_s=info.period_s, longest_gap_s=self._longest_gap_s)
        self._sample: Sample | None = None
        self._counts = False  # once it has shown a counter
        self._counted_j = self._integrated_j = self._compared_s = 0.0
        self._since_moved_j = 0.0  # integrated since the counter last moved
        self._shown = Shown(0, -math.inf)

    @property
    def idle_power_w(self) -> float:
        """What the machine draws with nothing to do, W; NaN: not known yet."""
        return self._idle.power_w

    @property
    def drift(self) -> float:
        """Share by which integrated power exceeds the counter; NaN: one of them is not there."""
        known = self._compared_s >= DRIFT_S and self._counted_j > 0.0
        return self._integrated_j / self._counted_j - 1.0 if known else math.nan

    @property
    def seen_s(self) -> float:
        """Time of the newest sample, s; minus infinity before the first."""
        return self._sample.at_s if self._sample else -math.inf

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
        self._counts |= counts
        knot = self._counted(last, sample) if self._counts else self._integrated(last, sample)
        if not math.isnan(sample.power_w):
            self._idle.add(sample.at_s, sample.power_w)
        elif knot is not None:
            self._idle.add(sample.at_s, knot.power_w)

    def reading(self, now_s: float) -> PowerReading:
        """Return the counter carried on to ``now_s`` at the power last seen; it never falls.

        Nothing is known where nothing was seen for three looks, nor is an energy where a counter
        has stood still for three of its periods.
        """
        newest, sample = self._history.newest, self._sample
        breaks = newest.breaks if newest else 0
        fresh = now_s - self.seen_s <= LEAST_PERIODS * self._look_s
        if newest is None or sample is None or not fresh:
            return PowerReading(now_s, math.nan, math.nan, math.nan, breaks)
        power_w, energy_j = self._power_w(newest), math.nan
        if now_s - newest.at_s <= self._longest_gap_s:
            energy_j = newest.energy_j + self._since_j(newest, now_s, power_w)
            # The counter may show less than the power before it made of it.
            least_j = self._shown.energy_j if self._shown.breaks == breaks else -math.inf
            energy_j = max(energy_j, least_j)
            self._shown = Shown(breaks, energy_j)
        return PowerReading(now_s, power_w, energy_j, math.nan, breaks, sample)

    def spent(self, from_s: float, to_s: float) -> Spent:
        """Return the energy of a window.

        Either end is uncertain by what the most power beside it makes in a sensor's period, and by
        one step of the counter; a learnt idle power by half of what it varied by.

        :param from_s: monotonic time, s.
        :param to_s: monotonic time, s.
        :returns: unknown for a window under three sensor periods, one that has left the ledger or
            has not been seen yet, and one in which the thread was lost.
        """
        newest, window_s = self._history.newest, to_s - from_s
        if newest is None or not window_s >= self._shortest_s:
            return UNKNOWN
        power_w = self._power_w(newest)
        begin, end = (self._history.at(at_s, power_w=power_w) for at_s in (from_s, to_s))
        if begin is None or end is None or begin.breaks != end.breaks:
            return UNKNOWN
        gross_j = end.energy_j - begin.energy_j
        return Spent(
            gross_j=gross_j,
            above_idle_j=gross_j - self.idle_power_w * window_s,
            error_j=2.0 * self._info.resolution_j
            + begin.edge_j
            + end.edge_j
            + (end.doubt_j - begin.doubt_j)
            + self._idle.error_w * window_s,
        )

    def _since_j(self, newest: Knot, now_s: float, power_w: float) -> float:
        """Return the energy since the newest knot, integrated as far as there are samples."""
        if math.isnan(self._since_moved_j):
            return power_w * max(now_s - newest.at_s, 0.0)
        return self._since_moved_j + power_w * max(now_s - self.seen_s, 0.0)

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
        if math.isnan(step_j) or self._jumped(step_j, integrated_j, sample):
            return self._lose("counter fell or jumped", sample.at_s, newest.power_w)
        if elapsed_s > self._longest_gap_s:
            return self._lose("counter stood still", sample.at_s, newest.power_w)
        if not math.isnan(integrated_j):
            self._counted_j += step_j
            self._integrated_j += integrated_j
            self._compared_s += elapsed_s
        return self._history.tie(sample.at_s, step_j, power_w=step_j / elapsed_s)

    def _jumped(self, step_j: float, integrated_j: float, sample: Sample) -> bool:
        """Tell whether the counter has moved by far more than power accounts for."""
        if math.isnan(integrated_j):
            return False
        most_w = max(self._history.most_w, sample.power_w)
        late_j = 2.0 * self._info.period_s * most_w  # power and counter are not of one moment
        return step_j > JUMP * (integrated_j + late_j) + 2.0 * self._info.resolution_j

    def _integrated(self, last: Sample | None, sample: Sample) -> Knot:
        if last is None or math.isnan(last.power_w):
            return self._history.tie(sample.at_s, 0.0, power_w=sample.power_w)
        elapsed_s = sample.at_s - last.at_s
        if elapsed_s > self._longest_gap_s:
            return self._lose("samples missing", sample.at_s, sample.power_w)
        beside_w = max(last.power_w, sample.power_w)
        doubt_j = abs(sample.power_w - last.power_w) * elapsed_s / 2.0
        if elapsed_s > LATE * self._look_s:  # anything may have happened between two looks
            doubt_j = max(doubt_j, elapsed_s * max(self._history.most_w, beside_w))
        return self._history.tie(
            sample.at_s, _trapezoid_j(last, sample), power_w=beside_w, doubt_j=doubt_j
        )

    def _lose(self, reason: str, at_s: float, power_w: float) -> Knot:
        self._faults.add(reason)
        self._since_moved_j = 0.0
        return self._history.tie(at_s, 0.0, power_w=power_w, lost=True)


def _trapezoid_j(before: Sample, after: Sample) -> float:
    return (before.power_w + after.power_w) / 2.0 * (after.at_s - before.at_s)
