# SPDX-License-Identifier: Apache-2.0
"""The relaxed problem (P2) against a search over one clock, and its numbers without units."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.costs import (
    BLIP2,
    BLIP2_BUDGET,
    GIT,
    GIT_BUDGET,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    Link,
    System,
)
from coinfer_ros.core.errors import InvalidInput, Unsupported
from coinfer_ros.core.optimizer import paper_problem, solve
from coinfer_ros.core.optimizer.canonical import Canonical, canonical
from coinfer_ros.core.optimizer.relaxed import gap, greatest_width, solve_relaxed

PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)


def spread(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers over many decades, evenly in their logarithm."""
    return st.floats(math.log(low), math.log(high)).map(math.exp)


INSTANCES = st.builds(
    Canonical, spread(1e-3, 1.0), spread(1e-3, 1.5), spread(1e-3, 10.0), spread(1e-3, 10.0)
)


def used(instance: Canonical, bits: float, x: float, y: float) -> tuple[float, float]:
    """Return the shares of both budgets that a setting uses."""
    return (
        bits * instance.robot_delay / x + instance.edge_delay / y,
        bits * instance.robot_energy * x * x + instance.edge_energy * y * y,
    )


def searched(instance: Canonical) -> float:
    """Return the greatest width by trying edge clocks; the robot's is where its two limits meet."""
    y = np.concatenate([np.geomspace(1e-3, 1.0, 200_001), [1.0]])
    time, energy = 1.0 - instance.edge_delay / y, 1.0 - instance.edge_energy * y * y
    y_good = (time > 0.0) & (energy > 0.0)
    if not y_good.any():
        return 0.0
    time, energy = time[y_good], energy[y_good]
    crossing = np.cbrt(energy * instance.robot_delay / (instance.robot_energy * time))
    x = np.minimum(crossing, 1.0)
    return float(
        np.max(
            np.minimum(time * x / instance.robot_delay, energy / (instance.robot_energy * x * x))
        )
    )


@given(INSTANCES)
def test_the_greatest_width_is_what_a_search_over_the_edges_clock_finds(
    instance: Canonical,
) -> None:
    # 2e5 steps over three decades: the maximum is flat, or at an end of the clocks.
    assert greatest_width(instance) == pytest.approx(searched(instance), rel=2e-4, abs=1e-4)


@given(INSTANCES)
def test_the_optimum_keeps_both_budgets_and_a_little_more_breaks_one(instance: Canonical) -> None:
    found = solve_relaxed(instance, 32)
    if found is None:
        assert greatest_width(instance) <= 1.0
        return
    assert 0.0 < found.x <= 1.0
    assert 0.0 < found.y <= 1.0
    delay, energy = used(instance, found.bits, found.x, found.y)
    assert max(delay, energy) <= 1.0 + 1e-12
    if found.bits < 32.0:
        assert max(used(instance, found.bits * 1.001, found.x, found.y)) > 1.0


@given(INSTANCES, st.integers(2, 16))
def test_a_whole_width_fits_exactly_up_to_the_relaxed_one(instance: Canonical, bits: int) -> None:
    system = dataclasses.replace(
        PAPER,
        workload=dataclasses.replace(
            BLIP2,
            robot_flop=instance.robot_delay * 16 * 32 * 2e9,
            edge_flop=instance.edge_delay * 128 * 10e9,
        ),
        robot=dataclasses.replace(
            PAPER_ROBOT,
            power_coefficient=instance.robot_energy / (instance.robot_delay * 2e9**3),
        ),
        edge=dataclasses.replace(
            PAPER_EDGE,
            power_coefficient=instance.edge_energy / (2 * instance.edge_delay * 10e9**3),
        ),
    )
    widest = greatest_width(instance)
    if abs(widest / bits - 1.0) < 1e-9:
        return  # undecided by rounding
    found = solve(paper_problem(system, Budget(1.0, 1.0), (bits,)))
    assert (found.plan is not None) == (widest > bits)


@pytest.mark.parametrize(
    ("workload", "budget", "bits"), [(BLIP2, BLIP2_BUDGET, 5.608), (GIT, GIT_BUDGET, 6.875)]
)
def test_the_papers_scenarios_have_these_relaxed_widths(workload, budget, bits) -> None:
    instance = canonical(System(PAPER_ROBOT, PAPER_EDGE, workload), budget)
    assert instance is not None
    assert greatest_width(instance) == pytest.approx(bits, abs=5e-4)


def test_without_boxes_the_closed_form_of_the_theory_holds() -> None:
    free = dataclasses.replace(
        PAPER,
        robot=dataclasses.replace(PAPER_ROBOT, clock_max_hz=1e15),
        edge=dataclasses.replace(PAPER_EDGE, clock_max_hz=1e15),
    )
    alpha, beta = (1 * 2e-29) ** (1 / 3), (2 * 1e-28) ** (1 / 3)
    expected = (16 * 32 / (533.66e9 * alpha)) * ((2.0 * 3.5**2) ** (1 / 3) - beta * 174.95e9 / 128)
    instance = canonical(free, BLIP2_BUDGET)
    assert instance is not None
    assert greatest_width(instance) == pytest.approx(expected, rel=1e-12)


def test_the_link_shrinks_the_budgets_and_may_use_them_up() -> None:
    link = Link(payload_bytes=1e6, goodput_bps=8e6, round_trip_s=0.5, radio_w=0.5)
    far = dataclasses.replace(PAPER, link=link)
    assert canonical(far, Budget(5.0, 2.5)) == canonical(PAPER, Budget(3.5, 2.0))
    assert canonical(far, Budget(1.5, 2.5)) is None
    assert canonical(far, Budget(5.0, 0.5)) is None


@given(st.floats(1.0, 31.9), st.floats(0.01, 0.1))
def test_the_objective_falls_with_the_relaxed_width(bits: float, more: float) -> None:
    assert gap(bits + more) < gap(bits)


def test_what_is_not_the_papers_problem_is_refused() -> None:
    warm = dataclasses.replace(PAPER, edge=dataclasses.replace(PAPER_EDGE, static_w=1.0))
    with pytest.raises(Unsupported, match=r"^static_w must be 0"):
        canonical(warm, BLIP2_BUDGET)
    with pytest.raises(InvalidInput, match=r"^budget must be finite"):
        canonical(PAPER, Budget(delay_s=1.0))
    instance = canonical(PAPER, BLIP2_BUDGET)
    assert instance is not None
    for bits_max in (1.0, 33.0, math.nan):
        with pytest.raises(InvalidInput, match=r"^bits_max must be"):
            solve_relaxed(instance, bits_max)
    with pytest.raises(InvalidInput, match=r"^edge_energy must be above 0, got 0"):
        Canonical(1.0, 1.0, 1.0, 0)
