# SPDX-License-Identifier: Apache-2.0
"""Solves problem (P1) of arXiv 2602.13052 exactly where any clock up to the greatest can be set.

Derived in docs/theory.md, 4, in place of the paper's iterations. With cycles W and W', weights
α = (ηψ)^(1/3) and β of the two machines, and g = (αW + βW')/T, the least energy within a delay T is
at f = g/α and f' = g/β. Where one of these exceeds its greatest clock, that clock is its greatest
and the other takes what is left of T.
"""

from __future__ import annotations

from collections.abc import Sequence

from coinfer_ros.core.costs import Budget, Processor, System
from coinfer_ros.core.optimizer.solution import Needs, Point, Solution, check_widths, solution

_ULP = 2.0**-52
_NUDGES = 16


def solve_continuous(system: System, budget: Budget, widths: Sequence[int]) -> Solution:
    """Return the widest bit-width that fits and its clocks of least energy.

    Minimise D^U(b-1) - D^L(b-1) over widths b and clocks 0 < f <= f_max of both machines, such that
    delay (8) and energy (9) keep the budget; arXiv 2602.13052, (P1). A plan keeps its budgets as
    computed, to the last bit; nearest budgets are feasible when given back.

    :param system: both machines and the work.
    :param budget: greatest delay and energy of one answer.
    :param widths: allowed bit-widths, rising, in [1, 32].
    :raises InvalidInput: when ``widths`` breaks its rule.

    >>> from coinfer_ros.core.costs import BLIP2, BLIP2_BUDGET, PAPER_EDGE, PAPER_ROBOT
    >>> plan = solve_continuous(System(PAPER_ROBOT, PAPER_EDGE, BLIP2), BLIP2_BUDGET, range(1, 17))
    >>> plan.bits, plan.binding, f"{plan.delay_s:.3f} s", f"{plan.energy_j:.3f} J"
    (5, 'energy', '3.500 s', '1.056 J')
    """
    allowed = check_widths(widths)
    best, wanted = None, None
    # Delay and energy both rise with the width: what a narrower one lacks, a wider one lacks too.
    for bits in allowed:
        point = least_energy(system, bits, budget.delay_s)
        if point is None or point.energy_j > budget.energy_j:
            wanted = bits
            break
        best = point
    needs = None if wanted is None else _needs(system, wanted, budget)
    return solution(best, needs, budget)


def least_energy(system: System, bits: int, delay_s: float) -> Point | None:
    """Return the setting of least energy within ``delay_s``, None when no clocks are fast enough.

    :param bits: bit-width of the robot's weights.
    :param delay_s: greatest delay, s, above 0; the point's own delay never exceeds it.
    """
    fastest = _fastest(system, bits)
    if fastest.delay_s > delay_s:
        return None
    # The clocks that meet a delay exactly miss it by rounding as often as not: aim a bit earlier.
    for nudge in range(_NUDGES):
        point = _point(system, bits, *_clocks_in_time(system, bits, delay_s * (1 - nudge * _ULP)))
        if point.delay_s <= delay_s:
            return point
    return fastest


def least_delay_s(system: System, bits: int, energy_j: float) -> float:
    """Return the least delay for which ``least_energy`` needs at most ``energy_j``, s.

    :param bits: bit-width of the robot's weights.
    :param energy_j: greatest energy, J, above 0.
    """

    def enough(delay_s: float) -> bool:
        point = least_energy(system, bits, delay_s)
        return point is not None and point.energy_j <= energy_j

    high = _fastest(system, bits).delay_s
    if enough(high):
        return high
    while not enough(high):
        high *= 2.0
    low = high / 2.0
    # Least energy falls with the delay. Down to neighbouring floats, so that the answer itself is
    # feasible: a closed form (docs/theory.md, 4) misses that by its last digit.
    while low < (middle := low + (high - low) / 2.0) < high:
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _needs(system: System, bits: int, budget: Budget) -> Needs:
    """Return what a width needs; slower clocks always save energy, so some delay always does."""
    point = least_energy(system, bits, budget.delay_s)
    return Needs(
        delay=(least_delay_s(system, bits, budget.energy_j), bits),
        energy=None if point is None else (point.energy_j, bits),
    )


def _clocks_in_time(system: System, bits: int, delay_s: float) -> tuple[float, float]:
    """Return the clocks of least energy that take ``delay_s``, Hz; docs/theory.md, 4."""
    robot, edge = system.robot, system.edge
    cycles = system.workload.robot_flop_at(bits) / robot.flop_per_cycle
    edge_cycles = system.workload.edge_flop / edge.flop_per_cycle
    alpha = (robot.pue * robot.power_coefficient) ** (1 / 3)
    beta = (edge.pue * edge.power_coefficient) ** (1 / 3)
    g = (alpha * cycles + beta * edge_cycles) / delay_s
    if g / alpha > robot.clock_max_hz:
        left_s = delay_s - cycles / robot.clock_max_hz
        return robot.clock_max_hz, _clock(edge, edge_cycles, left_s)
    if g / beta > edge.clock_max_hz:
        left_s = delay_s - edge_cycles / edge.clock_max_hz
        return _clock(robot, cycles, left_s), edge.clock_max_hz
    return g / alpha, g / beta


def _clock(processor: Processor, cycles: float, left_s: float) -> float:
    """Return the clock that does ``cycles`` in ``left_s``, at most the greatest, Hz."""
    greatest = processor.clock_max_hz
    return min(cycles / left_s, greatest) if left_s > 0.0 else greatest


def _fastest(system: System, bits: int) -> Point:
    return _point(system, bits, system.robot.clock_max_hz, system.edge.clock_max_hz)


def _point(system: System, bits: int, robot_clock_hz: float, edge_clock_hz: float) -> Point:
    return Point(
        bits=bits,
        robot_clock_hz=robot_clock_hz,
        edge_clock_hz=edge_clock_hz,
        delay_s=system.delay_s(bits, robot_clock_hz, edge_clock_hz),
        energy_j=system.energy_j(bits, robot_clock_hz, edge_clock_hz),
    )
