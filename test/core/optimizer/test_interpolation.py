# SPDX-License-Identifier: Apache-2.0
"""Interpolated tables keep what was measured, invent nothing beyond it, and say what is guessed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.core.costs import BLIP2, PAPER_EDGE, PAPER_ROBOT, Budget, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import Tables, analytic_tables, paper_problem, solve
from coinfer_ros.core.optimizer.interpolation import interpolated

PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)


def measured(steps: int = 5) -> Tables:
    return analytic_tables(
        PAPER,
        widths=(3, 4, 5),
        robot_clocks_hz=np.linspace(0.5e9, 2e9, steps).tolist(),
        edge_clocks_hz=np.linspace(1e9, 5e9, steps).tolist(),
    )


def test_measured_clocks_keep_their_costs_to_the_last_bit() -> None:
    tables = measured()
    finer = interpolated(
        tables,
        robot_clocks_hz=np.linspace(0.5e9, 2e9, 9).tolist(),
        edge_clocks_hz=tables.edge_clocks_hz,
    )
    assert (finer.robot_delay_s[:, ::2] == tables.robot_delay_s).all()
    assert (finer.robot_energy_j[:, ::2] == tables.robot_energy_j).all()
    assert (finer.edge_delay_s == tables.edge_delay_s).all()
    assert finer.robot_guessed_hz == frozenset(finer.robot_clocks_hz[1::2])
    assert finer.edge_guessed_hz == frozenset()


@given(st.lists(st.floats(0.1, 10.0), min_size=2, max_size=8), st.floats(0.0, 1.0))
def test_between_two_measured_clocks_a_cost_lies_between_theirs(
    costs: list[float], share: float
) -> None:
    clocks = [1e9 * (i + 1) for i in range(len(costs))]
    tables = Tables(
        (4,), tuple(clocks), (1e9,), np.array([costs]), np.array([costs]), np.ones(1), np.ones(1)
    )
    for i in range(len(costs) - 1):
        wanted = clocks[i] + share * 1e9
        (value,) = interpolated(
            tables, robot_clocks_hz=[wanted], edge_clocks_hz=[1e9]
        ).robot_delay_s[0]
        low, high = sorted(costs[i : i + 2])
        assert low * (1 - 1e-12) <= value <= high * (1 + 1e-12)


def test_the_analytic_costs_are_met_closely_between_measured_clocks() -> None:
    # Cubic pieces of a smooth function: the error falls with the third power of the step or faster.
    wanted = np.linspace(0.5e9, 2e9, 301).tolist()
    exact = analytic_tables(PAPER, widths=(3, 4, 5), robot_clocks_hz=wanted, edge_clocks_hz=[1e9])
    errors = []
    for steps in (6, 11, 21):
        found = interpolated(measured(steps), robot_clocks_hz=wanted, edge_clocks_hz=[1e9])
        errors.append(np.abs(found.robot_delay_s / exact.robot_delay_s - 1.0).max())
    assert errors[0] < 0.1
    assert errors[1] < errors[0] / 3
    assert errors[2] < errors[1] / 3


def test_nothing_is_known_beyond_the_measured_clocks_or_beside_a_gap() -> None:
    hole = np.array([[4.0, np.inf, 2.0, 1.0]])
    clocks = (1e9, 2e9, 3e9, 4e9)
    tables = Tables((4,), clocks, (1e9,), hole, hole, np.ones(1), np.ones(1))
    wanted = [0.9e9, 1e9, 1.5e9, 2e9, 2.5e9, 3e9, 3.5e9, 4e9, 4.1e9]
    found = interpolated(tables, robot_clocks_hz=wanted, edge_clocks_hz=[1e9]).robot_delay_s[0]
    assert np.isinf(found).tolist() == [True, False, True, True, True, False, False, False, True]
    assert found[[1, 5, 7]].tolist() == [4.0, 2.0, 1.0]


def test_a_plan_on_guessed_costs_says_so_and_one_on_measured_costs_does_not() -> None:
    tables = measured()
    guessed = interpolated(tables, robot_clocks_hz=[1.1e9], edge_clocks_hz=tables.edge_clocks_hz)
    words = "interpolated between measured clocks"
    assert words in solve(paper_problem(guessed, Budget(9.0, 9.0))).message
    assert words not in solve(paper_problem(tables, Budget(9.0, 9.0))).message
    # And what was guessed once stays a guess.
    again = interpolated(guessed, robot_clocks_hz=[1.1e9], edge_clocks_hz=tables.edge_clocks_hz)
    assert again.robot_guessed_hz == frozenset({1.1e9})


@pytest.mark.parametrize("clocks", [[2e9, 1e9], [1e9, 1e9], [1e9, float("nan")]])
def test_clocks_that_do_not_rise_are_refused(clocks: list[float]) -> None:
    with pytest.raises(InvalidInput, match=r"^robot_clocks_hz must rise"):
        interpolated(measured(), robot_clocks_hz=clocks, edge_clocks_hz=[1e9])
    with pytest.raises(InvalidInput, match=r"^edge_clocks_hz must rise"):
        interpolated(measured(), robot_clocks_hz=[1e9], edge_clocks_hz=clocks)
