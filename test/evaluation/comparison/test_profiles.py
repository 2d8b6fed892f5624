# SPDX-License-Identifier: Apache-2.0
"""Table I's profiles: costs by hand, and who wins where which budget binds."""

from __future__ import annotations

import pytest

from coinfer_ros import locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.costs import BLIP2
from coinfer_ros.evaluation.comparison.profiles import PROFILES_HZ, Machines, cells, order

ROBOT, EDGE = (board_file.read(locate.board(name)) for name in ("jetson_agx_orin", "rtx_3090"))


def test_an_answers_cost_by_hand() -> None:
    delay_s, energy_j = Machines(ROBOT, EDGE, BLIP2, idle=False).cost(4, 1300.5e6)
    robot_s = 533.66e9 / 4 / 1024 / 1300.5e6
    edge_s = 174.95e9 / 5248 / 1695e6
    assert delay_s == pytest.approx(robot_s + edge_s)
    switching_j = 1.364e-26 * 1300.5e6**3 * robot_s + 6.82e-26 * 1695e6**3 * edge_s
    assert energy_j == pytest.approx(switching_j)
    with_idle = Machines(ROBOT, EDGE, BLIP2, idle=True).cost(4, 1300.5e6)
    assert with_idle == pytest.approx((delay_s, energy_j + 26.0 * delay_s))


@pytest.mark.parametrize("idle", [False, True])
def test_more_clock_is_more_bits_in_time_and_fewer_within_joules_of_switching(idle) -> None:
    found = cells(Machines(ROBOT, EDGE, BLIP2, idle))
    assert len(found) == 2 * 3 * len(PROFILES_HZ)
    for first in range(0, len(found), 3):
        column = {cell.profile: cell.bits or 0 for cell in found[first : first + 3]}
        axis = found[first].axis
        assert all(cell.cost <= cell.budget for cell in found[first : first + 3] if cell.bits)
        if axis == "delay" or not idle:
            best, middle, least = (column[profile] for profile in order(axis))
            assert best > middle > least
        if axis == "energy" and idle:  # what waiting costs turns the order around here
            assert column["low"] < column["medium"]
