# SPDX-License-Identifier: Apache-2.0
"""The board is told by its device tree, and its total by its rails; nothing is guessed."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from coinfer_ros.adapters.devices.boards import BOARDS, detect, find, total_w
from coinfer_ros.core.ports import Rail

trees = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("trees.py"))))


@pytest.mark.parametrize(
    ("compatible", "name"),
    [
        # L4T, as users and projects have published them
        ("nvidia,p3449-0000-b00+p3448-0000-b00 nvidia,jetson-nano nvidia,tegra210", "Jetson Nano"),
        ("nvidia,quill nvidia,tegra186", "Jetson TX2"),
        ("nvidia,galen nvidia,jetson-xavier nvidia,p2822-0000+p2888-0001", "Jetson AGX Xavier"),
        ("nvidia,p3509-0000+p3668-0001 nvidia,tegra194", "Jetson Xavier NX"),
        ("nvidia,p3737-0000+p3701-0000 nvidia,p3701-0000 nvidia,tegra234", "Jetson AGX Orin"),
        ("nvidia,p3768-0000+p3767-0000-super nvidia,tegra234", "Jetson Orin NX or Orin Nano"),
        ("nvidia,p3971-0089+p3834-0008 nvidia,p3834-0008 nvidia,tegra264", "Jetson AGX Thor"),
        # mainline Linux, arch/arm64/boot/dts/nvidia
        ("nvidia,p2371-2180 nvidia,tegra210", "Jetson TX1"),
        ("nvidia,p3450-0000 nvidia,jetson-nano nvidia,tegra210", "Jetson Nano"),
        ("nvidia,p2771-0000 nvidia,tegra186", "Jetson TX2"),
        ("nvidia,p3509-0000+p3636-0001 nvidia,tegra186", "Jetson TX2"),
        ("nvidia,p4071-0000+p3834-0008 nvidia,p3834-0008 nvidia,tegra264", "Jetson AGX Thor"),
    ],
)
def test_a_board_is_known_by_what_its_device_tree_is_compatible_with(compatible, name):
    assert find("", compatible.replace(" ", "\0")).name == name


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_mark_and_model_of_the_table_leads_to_its_own_board_only(board):
    assert all(find("", mark) is board for mark in board.marks)
    assert all(find(words.upper(), "") is board for words in board.models)


def test_the_part_number_outweighs_the_name_that_an_emulating_board_gives_itself():
    assert find("NVIDIA Orin Nano 8GB", "nvidia,p3737-0000+p3701-0000").name == "Jetson AGX Orin"


@pytest.mark.parametrize(
    ("model", "compatible"),
    [("", ""), ("Raspberry Pi 5", "raspberrypi,5-model-b"), ("NVIDIA Jetson", "nvidia,tegra234")],
)
def test_another_board_is_none_of_the_table(model, compatible):
    assert find(model, compatible) is None


def test_a_machine_without_a_device_tree_is_no_board(tmp_path):
    assert detect(tmp_path) is None


def test_a_board_is_detected_from_strings_that_end_with_nul(tmp_path):
    trees.device_tree(tmp_path, "Custom carrier with Orin NX", "vendor,carrier", "nvidia,tegra234")
    assert detect(tmp_path).name == "Jetson Orin NX or Orin Nano"


def test_a_total_sums_each_rail_once_and_leaves_out_what_another_includes():
    powers = {"VDD_GPU_SOC": 3.0, "VDD_CPU_CV": 4.0, "VIN_SYS_5V0": 5.0, "VDDQ_VDD2_1V8AO": 1.0}
    orin = find("", "p3701")
    assert total_w(orin, [Rail(*item) for item in powers.items()]) == 12.0


@pytest.mark.parametrize(
    "rails",
    [
        [],
        [Rail("VDD_GPU_SOC", 3.0), Rail("VDD_CPU_CV", 4.0)],
        [Rail("VDD_GPU_SOC", 3.0), Rail("VDD_CPU_CV", 4.0), Rail("VIN_SYS_5V0", math.nan)],
        [Rail(name, 1.0) for name in ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDD_CPU_CV")],
    ],
    ids=["none", "one missing", "one not known", "one twice"],
)
def test_a_total_is_not_known_unless_each_of_its_rails_is_there_once(rails):
    assert math.isnan(total_w(find("", "p3701"), rails))


@pytest.mark.parametrize("name", ["POM_5V_IN", "VDD_IN"])
def test_a_rail_counts_by_each_name_that_releases_gave_it(name):
    nano = find("", "p3448")
    assert total_w(nano, [Rail(name, 2.5), Rail("POM_5V_CPU", 1.0)]) == 2.5
    assert nano.lacks([name]) == ()


def test_a_board_says_which_rails_of_its_total_are_lacking():
    assert find("", "p3701").lacks(["VDD_CPU_CV", "NC"]) == ("VDD_GPU_SOC", "VIN_SYS_5V0")
