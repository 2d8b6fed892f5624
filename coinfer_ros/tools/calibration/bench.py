# SPDX-License-Identifier: Apache-2.0
"""Times runs of a half on its machine, with the joules that they took together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from coinfer_ros.adapters.this_machine import synchronise
from coinfer_ros.backends import Machine
from coinfer_ros.core.energy import LEAST_PERIODS
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.tools.calibration.steps import Tick

_CLOCK_WITHIN_S = 5.0
# A meter wants ten looks of a second together to call it calm.
_CALM_WITHIN_S, _CALM_PERIODS = 5.0, 20.0
_LOOK_S = 0.002


@dataclass(frozen=True)
class Bench:
    """A machine to measure on, and the time that it is measured with.

    :param machine: behind its ports.
    :param now: monotonic time, s.
    :param sleep: waits the given seconds.
    """

    machine: Machine
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @contextmanager
    def default_clock_after(self) -> Iterator[None]:
        """Give the default clock back on every way out of a ``with`` block."""
        try:
            yield
        finally:
            if self.machine.clock.steps_hz:
                self.machine.clock.release()

    def reach(self, clock_hz: float) -> None:
        """Set the clock and wait until it is there; NaN leaves the machine at its own pace.

        :raises Unavailable: when it is not reached in 5 s.
        """
        clock, begun_s = self.machine.clock, self.now()
        if math.isnan(clock_hz):
            return
        clock.request_hz(clock_hz)
        steps_hz = clock.steps_hz
        while _nearest((there := clock.achieved()).hz, steps_hz) != _nearest(clock_hz, steps_hz):
            if self.now() - begun_s > _CLOCK_WITHIN_S:
                because = f", held by {there.throttle}" if there.throttle else ""
                raise Unavailable(
                    f"clock must reach {clock_hz:g} Hz within {_CLOCK_WITHIN_S:g} s, "
                    f"got {there.hz:g} Hz{because}"
                )
            self.sleep(_LOOK_S)

    def learn_idle(self) -> None:
        """Wait, with nothing to do, until the meter knows what that draws.

        :raises Unavailable: when it does not in 5 s, or 20 periods of a slower meter.
        """
        meter, begun_s = self.machine.meter, self.now()
        within_s = max(_CALM_WITHIN_S, _CALM_PERIODS * meter.info.period_s)
        while meter.info.source != "none" and math.isnan(meter.idle_power_w):
            if self.now() - begun_s > within_s:
                raise Unavailable(
                    f"the meter must show what idling draws within {within_s:g} s, got "
                    f"{str(meter.faults) or 'nothing'} from {meter.info.source}"
                )
            self.sleep(_LOOK_S)

    def runs(
        self, work: Callable[[int], Any], *, flop: float, count: int, first: int, tick: Tick
    ) -> dict[str, Any]:
        """Time ``count`` runs, or more where the meter needs a longer window.

        :param work: does one run, given its number.
        :param flop: what a simulated machine is told that a run takes, FLOP.
        :param first: number of the first run.
        :param tick: called after each of the ``count`` runs.
        :returns: ``seconds`` of each run and ``results`` of ``work``; ``joules`` of all runs above
            idle and their ``error_j``, None where there is no meter.
        """
        meter, accelerator = self.machine.meter, self.machine.accelerator
        seconds: list[float] = []
        results: list[Any] = []
        synchronise()
        before, least_s = meter.read(), LEAST_PERIODS * meter.info.period_s
        # Without a meter the least time is NaN, and no time is less than that.
        while len(seconds) < count or sum(seconds) < least_s:
            number, begun_s = first + len(seconds), self.now()
            results.append(accelerator.run(flop, lambda number=number: work(number)))  # type: ignore[misc]
            synchronise()
            seconds.append(self.now() - begun_s)
            if len(seconds) <= count:
                tick()
        taken = meter.spent(before, meter.read())
        known = math.isfinite(taken.above_idle_j)
        return {
            "seconds": seconds,
            "results": results,
            "joules": taken.above_idle_j if known else None,
            "error_j": taken.error_j if known else None,
        }


def _nearest(hz: float, steps_hz: tuple[float, ...]) -> float:
    return min(steps_hz, key=lambda step_hz: abs(step_hz - hz))
