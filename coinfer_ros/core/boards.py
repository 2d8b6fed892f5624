# SPDX-License-Identifier: Apache-2.0
"""A board as the planner and the simulation see it: clock steps, power and pace."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core import checks
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import InvalidInput


@dataclass(frozen=True)
class Board:
    """One machine's silicon.

    :param name: short name, as in its file.
    :param processor: pace and power law, eq. (4) to (7); its greatest clock is the last step.
    :param clock_steps_hz: clocks that can be set, rising, Hz.
    :param default_clock_hz: clock that is restored when no plan holds, Hz.
    :param idle_power_w: power with nothing to do, W.
    :param transition_s: time from asking for a clock to having it, s.
    :param sensor_period_s: time between two updates of its power sensor, s.
    :param energy_resolution_j: step of its energy counter, J.
    """

    name: str
    processor: Processor
    clock_steps_hz: tuple[float, ...]
    default_clock_hz: float
    idle_power_w: float
    transition_s: float
    sensor_period_s: float
    energy_resolution_j: float

    def __post_init__(self) -> None:
        steps = self.clock_steps_hz
        for step in steps:
            checks.number("clock_steps_hz", step, above=0.0, unit="Hz")
        if not steps or list(steps) != sorted(set(steps)):
            raise InvalidInput(f"clock_steps_hz must rise from step to step, got {list(steps)!r}")
        if self.processor.clock_max_hz != steps[-1]:
            raise InvalidInput(
                f"clock_max_hz must be the last of clock_steps_hz ({steps[-1]:g} Hz), "
                f"got {self.processor.clock_max_hz!r}"
            )
        if self.default_clock_hz not in steps:
            raise InvalidInput(
                f"default_clock_hz must be one of clock_steps_hz, got {self.default_clock_hz!r}"
            )
        checks.number("idle_power_w", self.idle_power_w, low=0.0, unit="W")
        checks.number("transition_s", self.transition_s, low=0.0, high=10.0, unit="s")
        checks.number("sensor_period_s", self.sensor_period_s, above=0.0, high=10.0, unit="s")
        checks.number("energy_resolution_j", self.energy_resolution_j, above=0.0, unit="J")

    def nearest_step_hz(self, clock_hz: float) -> float:
        """Return the step nearest to ``clock_hz``, Hz."""
        return min(self.clock_steps_hz, key=lambda step: abs(step - clock_hz))
