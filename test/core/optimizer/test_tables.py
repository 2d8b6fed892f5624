# SPDX-License-Identifier: Apache-2.0
"""Tests of the tables' own checks and of their analytic filling."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from coinfer_ros.core.costs import BLIP2, PAPER_EDGE, PAPER_ROBOT, System
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import Tables, analytic_tables

PAPER = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)


def fields(**changes: Any) -> dict[str, Any]:
    return {
        "widths": (4, 8),
        "robot_clocks_hz": (1e9, 2e9, 3e9),
        "edge_clocks_hz": (1e9,),
        "robot_delay_s": np.ones((2, 3)),
        "robot_energy_j": np.ones((2, 3)),
        "edge_delay_s": np.ones(1),
        "edge_energy_j": np.ones(1),
        **changes,
    }


def test_analytic_tables_hold_the_model_at_every_setting() -> None:
    clocks = {"robot_clocks_hz": [1e9, 2e9], "edge_clocks_hz": [1e9, 5e9, 10e9]}
    tables = analytic_tables(PAPER, widths=(2, 5), **clocks)
    for b, bits in enumerate(tables.widths):
        for r, robot_hz in enumerate(tables.robot_clocks_hz):
            for e, edge_hz in enumerate(tables.edge_clocks_hz):
                assert tables.robot_delay_s[b, r] + tables.edge_delay_s[e] == PAPER.delay_s(
                    bits, robot_hz, edge_hz
                )
                assert tables.robot_energy_j[b, r] + tables.edge_energy_j[e] == PAPER.energy_j(
                    bits, robot_hz, edge_hz
                )


def test_tables_keep_a_copy_that_nobody_can_write() -> None:
    mine = np.ones((2, 3))
    tables = Tables(**fields(robot_delay_s=mine))
    mine[0, 0] = 7.0
    assert tables.robot_delay_s[0, 0] == 1.0
    for table in (tables.robot_delay_s, tables.delay_s, tables.energy_j):
        with pytest.raises(ValueError, match="read-only"):
            table[0, 0] = 7.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"widths": (8, 4)}, "widths must rise"),
        ({"robot_clocks_hz": ()}, "robot_clocks_hz must hold at least one clock, got none"),
        ({"edge_clocks_hz": (0.0,)}, "edge_clocks_hz must be in .* Hz, got 0.0"),
        (
            {"robot_delay_s": np.ones((3, 2))},
            r"robot_delay_s must have shape \(2, 3\), got \(3, 2\)",
        ),
        ({"edge_energy_j": np.array([-1.0])}, "edge_energy_j must be at least 0 .*, got -1.0"),
        ({"edge_delay_s": np.array([math.nan])}, "edge_delay_s must be .* no NaN, got nan"),
        ({"edge_delay_s": np.array([math.inf])}, "edge_delay_s and edge_energy_j must be infinite"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInput, match=f"^{message}"):
        Tables(**fields(**changes))


@pytest.mark.parametrize("clocks_hz", [[0.0], [-1e9], [math.nan], []])
def test_analytic_tables_of_impossible_clocks_are_refused(clocks_hz: list[float]) -> None:
    with pytest.raises(InvalidInput, match="clock"):
        analytic_tables(PAPER, widths=(4,), robot_clocks_hz=clocks_hz, edge_clocks_hz=[1e9])
