# SPDX-License-Identifier: Apache-2.0
"""The best clocks where power is static too: a second gets a price, and each half pays its own.

Derived in docs/theory.md, 4. With W cycles of a half, a = ηψ and p = ηP of its machine, a clock f
costs the energy aWf² + pW/f and the time W/f. Whatever is wanted of the two machines together, each
clock is the one that makes energy + μ·time of its own half least for one common price μ of a
second, f³ = (p + μ)/2a, or its greatest clock where that is less. As μ grows the delay falls and
the energy rises, so a deadline is the least μ that keeps it and an energy budget the greatest.
"""

from __future__ import annotations

from collections.abc import Callable

from coinfer_ros.core.costs import Processor, System
from coinfer_ros.core.optimizer.settings import point
from coinfer_ros.core.optimizer.solution import Point


def at_price(system: System, bits: int, price_w: float) -> Point | None:
    """Return the setting that makes energy + ``price_w``·time least; None where a clock is 0.

    :param bits: bit-width of the robot's weights.
    :param price_w: price μ of a second, W, at least 0.
    """
    clocks = _clock_at(system.robot, price_w), _clock_at(system.edge, price_w)
    return point(system, bits, *clocks) if all(clocks) else None


def cheapest(system: System, bits: int, keeps: Callable[[Point], bool]) -> Point | None:
    """Return the setting at the least price of a second that ``keeps`` says yes to."""
    low, high, best = 0.0, _greatest_price_w(system), None
    free = at_price(system, bits, low)
    if free is not None and keeps(free):
        return free
    while low < (middle := low + (high - low) / 2.0) < high:
        at = at_price(system, bits, middle)
        low, high, best = (low, middle, at) if at and keeps(at) else (middle, high, best)
    return best


def fastest_affordable(system: System, bits: int, keeps: Callable[[Point], bool]) -> Point | None:
    """Return the setting at the greatest price of a second that ``keeps`` says yes to."""
    low, high, best = 0.0, _greatest_price_w(system), None
    free = at_price(system, bits, low)
    if free is not None and not keeps(free):
        return None  # the cheapest clocks there are
    best = free
    while low < (middle := low + (high - low) / 2.0) < high:
        at = at_price(system, bits, middle)
        low, high, best = (middle, high, at) if at is None or keeps(at) else (low, middle, best)
    return best


def _greatest_price_w(system: System) -> float:
    """Return a price of a second at which both clocks are at their greatest, W."""
    return max(
        2.0 * machine.pue * machine.power_coefficient * machine.clock_max_hz**3
        for machine in (system.robot, system.edge)
    )


def _clock_at(processor: Processor, price_w: float) -> float:
    """Return the clock that makes energy + ``price_w``·time least, at most the greatest, Hz."""
    paid_w = processor.static_w + price_w / processor.pue
    free_hz: float = (paid_w / (2.0 * processor.power_coefficient)) ** (1 / 3)
    return min(free_hz, processor.clock_max_hz)
