# SPDX-License-Identifier: Apache-2.0
"""Makes a power meter of a sensor: a thread samples it, a ledger makes joules of the samples."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable

from coinfer_ros.core.energy import Ledger, Spent
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import PowerReading, Sensor

# A hundred looks a second cost a fraction of a per cent of a core; faster sensors gain little.
LEAST_INTERVAL_S = 0.01
# A sensor that cannot be read is tried again after a pause that doubles up to this, s.
LONGEST_PAUSE_S = 1.0
# How long the joules of a window wait for a look after it, s.
LOOK_WITHIN_S = 0.02


class SampledMeter:
    """A ``PowerMeter`` of ``core.ports`` over any ``Sensor``, which it then owns.

    :param sensor: what to sample.
    :param idle_power_w: what the machine draws with nothing to do, W; NaN: learnt while it runs.
    :param interval_s: time between two samples, s; 0: the sensor's period, 10 ms at least.
    :param now: monotonic time, s.
    """

    def __init__(
        self,
        sensor: Sensor,
        *,
        idle_power_w: float = math.nan,
        interval_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sensor, self._now = sensor, now
        period_s = sensor.info.period_s
        self._interval_s = interval_s or max(period_s, LEAST_INTERVAL_S)
        # Between two looks the sensor may have moved at any time: the longer of both counts.
        self.info = dataclasses.replace(sensor.info, period_s=max(period_s, self._interval_s))
        self.faults: Faults = sensor.faults
        self._ledger = Ledger(
            self.info, faults=self.faults, look_s=self._interval_s, idle_power_w=idle_power_w
        )
        self._locked = threading.Lock()
        self._seen = threading.Condition(self._locked)
        self._stopping = False
        self._wanted = threading.Event()  # somebody waits for a look, or for the end
        self._thread = threading.Thread(target=self._run, name="power", daemon=True)
        self._thread.start()

    @property
    def idle_power_w(self) -> float:
        """What the machine draws with nothing to do, W; NaN: not known yet."""
        return self._ledger.idle_power_w

    @property
    def drift(self) -> float:
        """Share by which integrated power exceeds the hardware counter; NaN: not known."""
        return self._ledger.drift

    def read(self) -> PowerReading:
        """Read power and the energy counter as they stand now."""
        with self._locked:
            return self._ledger.reading(self._now())

    def spent(self, before: PowerReading, after: PowerReading) -> Spent:
        """Return the energy between two readings; unknown rather than 0.

        Where the sensor has not been looked at since the second one, that is done first, or
        waited for a moment: what happened last would else be a guess.
        """
        with self._seen:
            if self._ledger.seen_s < after.at_s:
                self._wanted.set()
                self._seen.wait_for(
                    lambda: self._stopping or self._ledger.seen_s >= after.at_s, LOOK_WITHIN_S
                )
            return self._ledger.spent(before.at_s, after.at_s)

    def close(self) -> None:
        """Stop sampling and close the sensor."""
        with self._seen:
            self._stopping = True
            self._seen.notify_all()
        self._wanted.set()
        self._thread.join()
        self._sensor.close()

    def _run(self) -> None:
        pause_s = self._interval_s
        while not self._stopping:
            begun_s = self._now()
            try:
                sample = self._sensor.sample()
            except Exception as error:  # whatever it is, the next look may succeed
                known = isinstance(error, CoinferError)
                self.faults.add("sensor not readable", str(error) if known else repr(error))
                pause_s = min(2.0 * pause_s, LONGEST_PAUSE_S)
                self._rest(pause_s)
                continue
            with self._seen:
                self._ledger.add(sample)
                self._seen.notify_all()
            pause_s = self._interval_s
            if not self.info.paces_itself:
                self._rest(begun_s + self._interval_s - self._now())

    def _rest(self, seconds: float) -> None:
        """Wait, unless somebody wants a look."""
        if seconds > 0.0:
            self._wanted.wait(seconds)
        if not self._stopping:
            self._wanted.clear()
