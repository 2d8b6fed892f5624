# SPDX-License-Identifier: Apache-2.0
"""Tests of the continuous solver against numerical minimisation, closed forms and the paper."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import optimize

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.costs import (
    BLIP2,
    BLIP2_BUDGET,
    GIT,
    GIT_BUDGET,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    Link,
    Processor,
    System,
    Workload,
)
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import Solution, Status, paper_problem, solve

WIDTHS = range(1, 17)
PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)


def solved(system: System, budget: Budget, widths: Sequence[int]) -> Solution:
    """Return the exact answer to the paper's problem (P1)."""
    return solve(paper_problem(system, budget, widths))


def spread(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers over many decades, evenly in their logarithm."""
    return st.floats(math.log(low), math.log(high)).map(math.exp)


PROCESSORS = st.builds(
    Processor,
    clock_max_hz=spread(1e8, 1e11),
    flop_per_cycle=spread(1.0, 1e4),
    pue=spread(1.0, 3.0),
    power_coefficient=spread(1e-30, 1e-26),
)
SYSTEMS = st.builds(
    System,
    PROCESSORS,
    PROCESSORS,
    st.builds(
        Workload, spread(1e8, 1e13), spread(1e8, 1e13), weight_bits=st.sampled_from([8, 16, 32])
    ),
)


@st.composite
def problems(draw: st.DrawFn) -> tuple[System, Budget]:
    """A system with budgets around what it can do, so that every outcome is common."""
    system = draw(SYSTEMS)
    fastest = system.delay_s(8, system.robot.clock_max_hz, system.edge.clock_max_hz)
    dearest = system.energy_j(8, system.robot.clock_max_hz, system.edge.clock_max_hz)
    return system, Budget(fastest * draw(spread(0.2, 20.0)), dearest * draw(spread(1e-3, 3.0)))


def least_energy_j(system: System, bits: int, delay_s: float) -> float:
    """Return the least energy within a delay by searching the robot's share of it; inf if none."""
    work = bits * system.workload.robot_flop / system.workload.weight_bits
    robot, edge = system.robot, system.edge
    shortest_s = work / robot.flop_per_cycle / robot.clock_max_hz
    longest_s = delay_s - system.workload.edge_flop / edge.flop_per_cycle / edge.clock_max_hz
    if not 0.0 < shortest_s <= longest_s:
        return math.inf

    def energy_j(robot_s: float) -> float:
        robot_hz = work / robot.flop_per_cycle / robot_s
        edge_hz = system.workload.edge_flop / edge.flop_per_cycle / (delay_s - robot_s)
        return (
            robot.pue * robot.power_coefficient * robot_hz** 3 * robot_s
            + edge.pue * edge.power_coefficient * edge_hz** 3 * (delay_s - robot_s)
        )

    inside = optimize.minimize_scalar(
        energy_j,
        bounds=(shortest_s, longest_s),
        method="bounded",
        options={"xatol": 1e-9 * delay_s},
    )
    return min(inside.fun, energy_j(shortest_s), energy_j(longest_s))


@pytest.mark.parametrize(
    ("workload", "budget", "bits"), [(BLIP2, BLIP2_BUDGET, 5), (GIT, GIT_BUDGET, 6)]
)
def test_the_papers_scenarios_get_five_and_six_bits(
    workload: Workload, budget: Budget, bits: int
) -> None:
    system = System(PAPER_ROBOT, PAPER_EDGE, workload)
    found = solved(system, budget, WIDTHS)
    assert (found.status, found.bits, found.binding) == (Status.OPTIMAL, bits, "energy")

    def objective(width: int) -> float:
        at = rate_distortion.at_bits(width)
        return at.upper - at.lower

    feasible = [b for b in WIDTHS if least_energy_j(system, b, budget.delay_s) <= budget.energy_j]
    assert min(feasible, key=objective) == bits


@pytest.mark.slow
@given(problems())
def test_the_plan_is_the_widest_and_cheapest_that_a_numerical_search_finds(
    problem: tuple[System, Budget],
) -> None:
    system, budget = problem
    energies = {bits: least_energy_j(system, bits, budget.delay_s) for bits in WIDTHS}
    # The search is good to 1e-9 (its minimum is flat); what lies closer to a budget is undecided.
    fastest = (system.robot.clock_max_hz, system.edge.clock_max_hz)
    for bits, energy_j in energies.items():
        assume(abs(energy_j / budget.energy_j - 1.0) > 1e-6)
        assume(abs(system.delay_s(bits, *fastest) / budget.delay_s - 1.0) > 1e-6)
    found = solved(system, budget, WIDTHS)
    fitting = [bits for bits, energy in energies.items() if energy <= budget.energy_j]
    assert found.bits == max(fitting, default=None)
    if found.plan is not None:
        assert found.plan.energy_j == pytest.approx(energies[found.bits], rel=1e-6)


@given(problems())
def test_a_plan_keeps_budgets_and_clocks_to_the_last_bit_and_costs_what_it_says(
    problem: tuple[System, Budget],
) -> None:
    system, budget = problem
    found = solved(system, budget, WIDTHS)
    assume(found.plan is not None)
    assert 0.0 < found.plan.robot_clock_hz <= system.robot.clock_max_hz
    assert 0.0 < found.plan.edge_clock_hz <= system.edge.clock_max_hz
    plan = (found.bits, found.plan.robot_clock_hz, found.plan.edge_clock_hz)
    assert found.plan.delay_s == system.delay_s(*plan) <= budget.delay_s
    assert found.plan.energy_j == system.energy_j(*plan) <= budget.energy_j


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.filter_too_much])  # most budgets are feasible
@given(problems())
def test_nearest_budgets_are_feasible_and_nothing_less_is(problem: tuple[System, Budget]) -> None:
    system, budget = problem
    found = solved(system, budget, WIDTHS)
    assume(found.status is Status.INFEASIBLE)
    for field, nearest in (
        ("delay_s", found.nearest_delay_s),
        ("energy_j", found.nearest_energy_j),
    ):
        if nearest is None:
            continue
        assert nearest > getattr(budget, field)
        enough = dataclasses.replace(budget, **{field: nearest})
        less = dataclasses.replace(budget, **{field: nearest * (1.0 - 1e-12)})
        assert solved(system, enough, WIDTHS).bits == 1
        assert solved(system, less, WIDTHS).status is Status.INFEASIBLE


@given(problems())
def test_the_binding_budget_is_the_delay_only_where_no_clocks_meet_it(
    problem: tuple[System, Budget],
) -> None:
    system, budget = problem
    found = solved(system, budget, WIDTHS)
    wanted = 1 if found.bits is None else found.bits + 1
    if wanted > WIDTHS[-1]:
        assert found.binding == "max_bits"
        return
    # Each budget alone removed: without the delay's something always fits, only slower.
    slow = solved(system, Budget(1e30, budget.energy_j), WIDTHS)
    rich = solved(system, Budget(budget.delay_s, 1e30), WIDTHS)
    assert slow.bits == WIDTHS[-1]
    assert found.binding == ("delay" if (rich.bits or 0) < wanted else "energy")
    if found.bits is None:
        assert found.nearest_delay_s is not None
        assert (found.nearest_energy_j is None) == (found.binding == "delay")


def test_free_clocks_take_the_closed_forms() -> None:
    far = dataclasses.replace(PAPER_ROBOT, clock_max_hz=1e15)
    system = System(far, dataclasses.replace(PAPER_EDGE, clock_max_hz=1e15), BLIP2)
    cycles = 533.66e9 / 16 / 32
    alpha, beta = (1 * 2e-29) ** (1 / 3), (2 * 1e-28) ** (1 / 3)
    edge = beta * 174.95e9 / 128
    for delay_s, energy_j in ((3.5, 2.0), (3.5, 0.2), (1.0, 60.0)):
        found = solved(system, Budget(delay_s, energy_j), WIDTHS)
        relaxed = ((energy_j * delay_s**2) ** (1 / 3) - edge) / (alpha * cycles)
        bits = min(16, math.floor(relaxed))
        if bits < 1:
            s = alpha * cycles + edge
            assert found.nearest_delay_s == pytest.approx(s**1.5 / energy_j**0.5, rel=1e-13)
            assert found.nearest_energy_j == pytest.approx(s**3 / delay_s**2, rel=1e-13)
            continue
        s = bits * alpha * cycles + edge
        assert found.bits == bits
        assert found.plan.robot_clock_hz == pytest.approx(s / (alpha * delay_s), rel=1e-13)
        assert found.plan.edge_clock_hz == pytest.approx(s / (beta * delay_s), rel=1e-13)
        assert found.plan.energy_j == pytest.approx(s**3 / delay_s**2, rel=1e-13)


def test_ample_budgets_are_bound_by_the_widest_width_alone() -> None:
    found = solved(PAPER, Budget(100.0, 100.0), (2, 4, 8))
    assert (found.bits, found.binding) == (8, "max_bits")
    assert found.message == (
        "8 bits, the widest allowed, fit: 100 s of 100 s and 0.002873 J of 100 J"
    )


def test_a_message_gives_both_ways_out_where_there_are_two() -> None:
    assert solved(PAPER, BLIP2_BUDGET, WIDTHS).message == (
        "the energy budget of 2 J binds: within 3.5 s, 6 bits would need 4.17 J "
        "(or, within 2 J, 6 bits would need 3.711 s)"
    )


def test_a_deadline_that_no_clocks_meet_has_no_nearest_energy() -> None:
    found = solved(PAPER, Budget(0.1, 2.0), WIDTHS)
    assert (found.status, found.binding, found.bits) == (Status.INFEASIBLE, "delay", None)
    assert found.nearest_energy_j is None
    assert found.message == (
        "no setting keeps the budgets: the delay budget of 0.1 s binds, at the highest clocks too: "
        "within 2 J, 1 bit would need 1.038 s"
    )


def test_the_ends_of_every_range_are_answered() -> None:
    slow = Processor(1.0, 1e-6, 1e6, 1.0)
    fast = Processor(1e18, 1e12, 1e-6, 1e-60)
    for robot in (slow, fast):
        for edge in (slow, fast):
            for flop in (1.0, 1e24):
                for delay_s in (5e-324, 1.0, 1e30):
                    for energy_j in (5e-324, 1.0, 1e30):
                        system = System(robot, edge, Workload(flop, 1.0, 64))
                        found = solved(system, Budget(delay_s, energy_j), range(1, 33))
                        for value in (found.nearest_delay_s, found.nearest_energy_j):
                            assert value is None or math.isfinite(value)


@pytest.mark.parametrize("widths", [(), (0, 1), (2, 2), (3, 2), (33,), (1.5,), (True,)])
def test_widths_that_do_not_rise_within_their_range_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"^widths must .*, got "):
        solved(PAPER, BLIP2_BUDGET, widths)


@given(problems())
def test_the_budget_that_a_message_names_is_enough(problem: tuple[System, Budget]) -> None:
    system, budget = problem
    found = solved(system, budget, WIDTHS)
    wanted = 1 if found.bits is None else found.bits + 1
    for unit, field in ((" s", "delay_s"), (" J", "energy_j")):
        named = re.search(rf"{wanted} bits? would need (\S+){unit}", found.message)
        if named:
            enough = dataclasses.replace(budget, **{field: float(named[1])})
            assert (solved(system, enough, WIDTHS).bits or 0) >= wanted


@pytest.mark.parametrize("kind", [np.float16, np.float32, int, Fraction])
def test_numbers_of_another_type_are_computed_with_as_floats(kind: type) -> None:
    link = Link(payload_bytes=kind(0), goodput_bps=kind(1), round_trip_s=kind(1), radio_w=kind(0))
    system = System(
        dataclasses.replace(PAPER_ROBOT, flop_per_cycle=kind(32), pue=kind(1)),
        dataclasses.replace(PAPER_EDGE, static_w=kind(0)),
        BLIP2,
        link,
    )
    plain = dataclasses.replace(PAPER, link=Link(0.0, 1.0, 1.0, 0.0))
    found = solved(system, Budget(kind(4), kind(2)), WIDTHS)
    assert found == solved(plain, Budget(4.0, 2.0), WIDTHS)
    assert found.plan is not None
    assert type(found.plan.delay_s) is float


def test_a_link_that_leaves_next_to_no_time_leaves_no_plan() -> None:
    far = dataclasses.replace(PAPER, link=Link(0.0, 1.0, round_trip_s=1e6))
    found = solved(dataclasses.replace(far, workload=Workload(1.0, 1.0)), Budget(1e6, 1.0), WIDTHS)
    assert found.plan is None or found.plan.delay_s <= 1e6
    assert solved(far, Budget(1e6, 1.0), WIDTHS).plan is None
