# SPDX-License-Identifier: Apache-2.0
"""The best clocks of one bit-width where any clock up to the greatest can be set.

Derived in docs/theory.md, 4: in closed form for the paper's model, by the price of a second
(``priced``) where a machine has static power.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from coinfer_ros.core.costs import Processor, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import priced
from coinfer_ros.core.optimizer.settings import cycles, fastest, point, price_roots
from coinfer_ros.core.optimizer.solution import Point

_ULP = 2.0**-52
_NUDGES = 16


def least_energy(system: System, bits: int, delay_s: float) -> Point | None:
    """Return the setting of least energy within ``delay_s``, None when no clocks are fast enough.

    :param bits: bit-width of the robot's weights.
    :param delay_s: greatest delay, s, above 0; the point's own delay never exceeds it.
    :raises InvalidInput: when the delay is infinite and a machine has no static power: its clock
        of least energy would be 0.
    """
    top = fastest(system, bits)
    if top.delay_s > delay_s:
        return None
    if delay_s == math.inf and not (system.robot.static_w and system.edge.static_w):
        raise InvalidInput(
            "budget.delay_s must be finite where a machine has no static power, for its clock of "
            f"least energy would be 0, got {delay_s}"
        )
    if system.robot.static_w or system.edge.static_w:
        return priced.cheapest(system, bits, lambda at: at.delay_s <= delay_s) or top
    return _in_time(system, bits, delay_s) or top


def least_delay(system: System, bits: int, energy_j: float) -> Point | None:
    """Return the fastest setting within ``energy_j``, None when no clocks are cheap enough.

    :param bits: bit-width of the robot's weights.
    :param energy_j: greatest energy, J, above 0; the point's own energy never exceeds it.
    """
    found = enough_delay(system, bits, energy_j)
    return None if found is None else found[1]


def enough_delay(system: System, bits: int, energy_j: float) -> tuple[float, Point] | None:
    """Return the least delay budget, s, for which ``energy_j`` is enough, and its setting.

    The setting's own delay may be a few units in the last place less. None when none is enough.

    :param bits: bit-width of the robot's weights.
    :param energy_j: greatest energy, J, above 0.
    """
    top = fastest(system, bits)
    if top.energy_j <= energy_j:
        return top.delay_s, top
    if energy_j <= system.link.energy_j:
        return None
    if system.robot.static_w or system.edge.static_w:
        cheap = priced.fastest_affordable(system, bits, lambda at: at.energy_j <= energy_j)
        return None if cheap is None else (_given_back(system, cheap, energy_j), cheap)

    def enough(delay_s: float) -> Point | None:
        at = (_in_time(system, bits, delay_s) or top) if delay_s >= top.delay_s else None
        return at if at is not None and at.energy_j <= energy_j else None

    # Least energy falls with the delay. Down to neighbouring floats, so that the answer itself is
    # feasible: the closed form misses that by its last digits.
    low, high = _around(_affordable_s(system, bits, energy_j), enough)
    best = enough(high)
    while low < (middle := low + (high - low) / 2.0) < high:
        found = enough(middle)
        low, high, best = (low, middle, found) if found else (middle, high, best)
    return (high, best) if best is not None else None


def least_weighted(system: System, bits: int, *, energy: float, delay: float) -> Point | None:
    """Return the setting that makes ``energy``·E + ``delay``·T least, no budget held.

    :param bits: bit-width of the robot's weights.
    :param energy: weight of a J, at least 0.
    :param delay: weight of a s, above 0.
    :returns: None when the best clocks are too slow for float arithmetic.
    """
    return priced.at_price(system, bits, delay / energy) if energy else fastest(system, bits)


def _given_back(system: System, cheap: Point, energy_j: float) -> float:
    """Return the delay of a setting, s, or the next for which the least energy is enough.

    The prices that a delay and an energy lead to may differ in their last digit.
    """
    delay_s, margin = cheap.delay_s, _ULP
    while (at := least_energy(system, cheap.bits, delay_s)) is None or at.energy_j > energy_j:
        delay_s, margin = delay_s * (1.0 + margin), margin * 2.0
    return delay_s


def _in_time(system: System, bits: int, delay_s: float) -> Point | None:
    """Return the setting of least energy, no static power, that takes just ``delay_s``.

    The clocks that meet a delay exactly miss it by rounding as often as not: it aims a bit earlier.
    """
    for nudge in range(_NUDGES):
        aim_s = delay_s * (1 - nudge * _ULP) - system.link.delay_s
        if aim_s <= 0.0:
            return None
        at = point(system, bits, *_clocks_in_time(system, *cycles(system, bits), aim_s))
        if at.delay_s <= delay_s:
            return at
    return None


def _clocks_in_time(
    system: System, robot_cycles: float, edge_cycles: float, compute_s: float
) -> tuple[float, float]:
    """Return the clocks of least energy that use all of a delay, Hz; no static power.

    :param robot_cycles: W of the robot's half.
    :param edge_cycles: W' of the edge's half.
    :param compute_s: time that both halves have together, s, enough at the greatest clocks.
    """
    robot, edge = system.robot, system.edge
    alpha, beta = price_roots(system)
    g = (alpha * robot_cycles + beta * edge_cycles) / compute_s
    if g / alpha > robot.clock_max_hz:
        left_s = compute_s - robot_cycles / robot.clock_max_hz
        return robot.clock_max_hz, _clock_for(edge, edge_cycles, left_s)
    if g / beta > edge.clock_max_hz:
        left_s = compute_s - edge_cycles / edge.clock_max_hz
        return _clock_for(robot, robot_cycles, left_s), edge.clock_max_hz
    return g / alpha, g / beta


def _clock_for(processor: Processor, work_cycles: float, left_s: float) -> float:
    """Return the clock that does ``work_cycles`` in ``left_s``, at most the greatest, Hz."""
    greatest = processor.clock_max_hz
    return min(work_cycles / left_s, greatest) if left_s > 0.0 else greatest


def _affordable_s(system: System, bits: int, energy_j: float) -> float:
    """Return the delay at which the least energy is ``energy_j``, closed form, rounded, s."""
    robot, edge = system.robot, system.edge
    robot_cycles, edge_cycles = cycles(system, bits)
    alpha, beta = price_roots(system)
    left_j = energy_j - system.link.energy_j
    total = alpha * robot_cycles + beta * edge_cycles
    compute_s = total * (math.sqrt(total) / math.sqrt(left_j))  # the quotient may overflow
    g = total / compute_s
    over = g / alpha / robot.clock_max_hz, g / beta / edge.clock_max_hz
    if max(over) > 1.0:  # the clock that is further over its greatest stays at it
        halves = [(robot, robot_cycles, alpha), (edge, edge_cycles, beta)]
        (at_top, work, root), (free, rest, other) = halves if over[0] > over[1] else halves[::-1]
        rest_j = left_j - root**3 * work * at_top.clock_max_hz**2
        slowest_s = (other * rest) ** 1.5 / math.sqrt(rest_j) if rest_j > 0.0 else 0.0
        compute_s = work / at_top.clock_max_hz + max(slowest_s, rest / free.clock_max_hz)
    return compute_s + system.link.delay_s


def _around(delay_s: float, enough: Callable[[float], Point | None]) -> tuple[float, float]:
    """Return a delay that is not enough and one that is, as near to ``delay_s`` as can be."""
    margin = 4.0 * _ULP
    low = high = delay_s
    while not enough(high):
        high, margin = high * (1.0 + margin), margin * 2.0
    while enough(low):
        low, margin = low * (1.0 - min(margin, 0.5)), margin * 2.0
    return low, high
