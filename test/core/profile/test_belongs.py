# SPDX-License-Identifier: Apache-2.0
"""A profile of another half, model, cut, board or work is refused, and both are named."""

from __future__ import annotations

import dataclasses
import math

import pytest

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.profile import check_belongs

INFO = ModelInfo("ab" * 32, "projection", (17, 128), 1, 1, 1e9, 1e9)
STEPS_HZ = (1e9, 2e9, 3e9, 4e9)
BOARD = Board("board", Processor(4e9, 32, 1, 1e-29), STEPS_HZ, 4e9, 0.0, 0.0, 0.001, 0.001)


def check(profile, *, role="robot", info=INFO, board=BOARD, flop=1e9):
    check_belongs(profile, name=f"{role}.profile", role=role, info=info, board=board, flop=flop)


def test_a_profile_of_this_half_model_and_board_is_taken_with_some_of_its_clocks(robot, edge):
    check(robot())
    check(edge(), role="edge")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"role": "edge"}, "edge.profile must be of role edge, got one of role robot"),
        (
            {"info": dataclasses.replace(INFO, fingerprint="cd" * 32)},
            "robot.profile must be of model cdcdcdcdcdcd…, got one of model small abababababab…",
        ),
        (
            {"info": dataclasses.replace(INFO, cut="layer 3")},
            "robot.profile must be of cut layer 3, got one of cut projection",
        ),
        (
            {"board": dataclasses.replace(BOARD, name="other")},
            "robot.profile must be of board other, got one of board board",
        ),
        (
            {"flop": 2e9},
            "robot.profile must be of work 2e\\+09 FLOP, got one of work 1e\\+09 FLOP",
        ),
        (
            {"board": dataclasses.replace(BOARD, clock_steps_hz=(1e9, 3e9, 4e9))},
            "robot.profile must have clocks that board board can set, got 2e\\+09 Hz",
        ),
    ],
)
def test_a_foreign_profile_is_refused_naming_both(robot, changes, says):
    with pytest.raises(InvalidInput, match=says):
        check(robot(), **changes)


def test_what_ran_at_its_own_pace_is_compared_with_no_board(robot):
    device = dataclasses.replace(robot().device, backend="none", mode="performance")
    check(robot(clocks_hz=(math.nan,), device=device), flop=2e9)


def test_what_ran_at_its_own_pace_is_of_the_work_of_this_model_at_this_image_size(robot):
    device = dataclasses.replace(robot().device, backend="none", mode="performance")
    larger = dataclasses.replace(INFO, head_flop=4e9)
    with pytest.raises(InvalidInput, match=r"of work 4e\+09 FLOP, got one of work 1e\+09"):
        check(robot(clocks_hz=(math.nan,), device=device), info=larger)
