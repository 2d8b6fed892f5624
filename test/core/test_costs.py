# SPDX-License-Identifier: Apache-2.0
"""Tests of the analytic costs against figures worked out by hand."""

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
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    Link,
    Processor,
    System,
    Workload,
)
from coinfer_ros.core.errors import InvalidInput


def test_the_papers_robot_makes_64_gflop_a_second_at_16_hundredths_of_a_watt() -> None:
    assert PAPER_ROBOT.delay_s(64e9, 2e9) == pytest.approx(1.0, rel=1e-15)
    assert PAPER_ROBOT.energy_j(64e9, 2e9) == pytest.approx(0.16, rel=1e-15)


def test_the_papers_edge_makes_1280_gflop_a_second_at_200_watts_with_cooling() -> None:
    assert PAPER_EDGE.delay_s(1280e9, 10e9) == pytest.approx(1.0, rel=1e-15)
    assert PAPER_EDGE.energy_j(1280e9, 10e9) == pytest.approx(200.0, rel=1e-15)


@pytest.mark.parametrize(
    ("workload", "robot", "edge"),
    [(BLIP2, (8.338, 1.334), (0.4169, 83.38)), (GIT, (3.317, 0.531), (0.1658, 33.17))],
)
def test_a_whole_model_on_one_machine_costs_the_printed_figures(
    workload: Workload, robot: tuple[float, float], edge: tuple[float, float]
) -> None:
    for processor, printed in ((PAPER_ROBOT, robot), (PAPER_EDGE, edge)):
        clock_hz = processor.clock_max_hz
        assert processor.delay_s(workload.robot_flop, clock_hz) == pytest.approx(
            printed[0], rel=1e-3
        )
        assert processor.energy_j(workload.robot_flop, clock_hz) == pytest.approx(
            printed[1], rel=1e-3
        )


def test_a_system_adds_both_halves_and_scales_the_robots_with_its_bits() -> None:
    robot, edge = Processor(10.0, 2.0, 1.0, 0.5), Processor(10.0, 4.0, 2.0, 0.25)
    system = System(robot, edge, Workload(robot_flop=160.0, edge_flop=40.0, weight_bits=16))
    # Robot: 4/16 * 160 FLOP = 20 cycles; edge: 10 cycles.
    assert system.delay_s(4, 5.0, 2.0) == 20 / 5 + 10 / 2
    assert system.energy_j(4, 5.0, 2.0) == 0.5 * 20 * 25 + 2 * 0.25 * 10 * 4


def test_many_clocks_cost_what_each_costs() -> None:
    clocks_hz = np.linspace(1e8, 2e9, 7)
    delays, energies = PAPER_ROBOT.delay_s(1e9, clocks_hz), PAPER_ROBOT.energy_j(1e9, clocks_hz)
    assert delays.tolist() == [PAPER_ROBOT.delay_s(1e9, f) for f in clocks_hz.tolist()]
    assert energies.tolist() == [PAPER_ROBOT.energy_j(1e9, f) for f in clocks_hz.tolist()]


LINK = Link(payload_bytes=1e5, goodput_bps=1e7, round_trip_s=0.01, radio_w=2.0)
RECORDS = [PAPER_ROBOT, dataclasses.replace(BLIP2, weight_bits=8), BLIP2_BUDGET, LINK]
MAY_BE_ZERO = {"static_w", "token_flop", "payload_bytes", "round_trip_s", "radio_w"}
FIELDS = [(record, field.name) for record in RECORDS for field in dataclasses.fields(record)]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf, -math.inf, "1", None, True])
@pytest.mark.parametrize(("record", "name"), FIELDS, ids=[name for _, name in FIELDS])
def test_every_field_refuses_what_is_no_cost_and_says_so(
    record: Processor | Workload | Budget | Link, name: str, value: object
) -> None:
    if (name in MAY_BE_ZERO and value == 0.0) or (record is BLIP2_BUDGET and value == math.inf):
        assert getattr(dataclasses.replace(record, **{name: value}), name) == value
        return
    with pytest.raises(InvalidInput, match=rf"^{name} must be .*\[?.*, got "):
        dataclasses.replace(record, **{name: value})


def test_static_power_is_drawn_for_as_long_as_the_stage_runs() -> None:
    machine = dataclasses.replace(PAPER_EDGE, static_w=5.0)
    # 1280 GFLOP at 5 GHz take 2 s; the PUE of 2 counts for every joule.
    assert machine.energy_j(1280e9, 5e9) == pytest.approx(
        PAPER_EDGE.energy_j(1280e9, 5e9) + 2 * 5.0 * 2.0, rel=1e-15
    )


@given(st.floats(0.01, 100.0))
def test_with_static_power_the_energy_is_least_at_the_root_of_its_slope(static_w: float) -> None:
    machine = dataclasses.replace(PAPER_ROBOT, static_w=static_w)
    best_hz = (static_w / (2 * machine.power_coefficient)) ** (1 / 3)
    least = machine.energy_j(1e9, best_hz)
    assert least <= machine.energy_j(1e9, best_hz * 1.01)
    assert least <= machine.energy_j(1e9, best_hz / 1.01)


def test_every_token_after_the_first_adds_its_work_to_the_edge_alone() -> None:
    words = dataclasses.replace(GIT, tokens=11, token_flop=2e9)
    one, eleven = (System(PAPER_ROBOT, PAPER_EDGE, work) for work in (GIT, words))
    added = PAPER_EDGE.delay_s(20e9, 5e9)
    assert eleven.delay_s(4, 1e9, 5e9) - one.delay_s(4, 1e9, 5e9) == pytest.approx(added, rel=1e-9)
    added = PAPER_EDGE.energy_j(20e9, 5e9)
    assert eleven.energy_j(4, 1e9, 5e9) - one.energy_j(4, 1e9, 5e9) == pytest.approx(
        added, rel=1e-9
    )


def test_a_link_adds_its_time_on_the_air_its_round_trip_and_the_radio() -> None:
    assert LINK.air_s == 0.08
    assert LINK.delay_s == pytest.approx(0.09, rel=1e-15)
    assert LINK.energy_j == pytest.approx(0.16, rel=1e-15)
    near = System(PAPER_ROBOT, PAPER_EDGE, GIT)
    far = dataclasses.replace(near, link=LINK)
    assert far.delay_s(4, 1e9, 5e9) == pytest.approx(near.delay_s(4, 1e9, 5e9) + 0.09, rel=1e-14)
    assert far.energy_j(4, 1e9, 5e9) == pytest.approx(near.energy_j(4, 1e9, 5e9) + 0.16, rel=1e-14)


def test_the_message_names_field_rule_unit_and_what_came() -> None:
    with pytest.raises(InvalidInput, match=r"^delay_s must be in \(0, 1e\+30\] s, got nan$"):
        Budget(math.nan, 1.0)
