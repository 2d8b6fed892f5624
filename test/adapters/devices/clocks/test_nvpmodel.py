# SPDX-License-Identifier: Apache-2.0
"""nvpmodel's files are read as they are on boards, and never make a limit of what says none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.adapters.devices.clocks.nvpmodel import (
    ClockLimits,
    PowerMode,
    parse_mode,
    present_mode,
)

from .. import clock_trees as trees

# From github.com/umr-ds/BirdEdge-OS, etc/nvpmodel.conf: Jetson Nano, JetPack 4.
NANO = """\
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
< PARAM TYPE=CLOCK NAME=CPU_A57 >
MAX_FREQ /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq
< PARAM TYPE=CLOCK NAME=GPU >
MAX_FREQ /sys/devices/gpu.0/devfreq/57000000.gpu/max_freq
< POWER_MODEL ID=1 NAME=5W >
CPU_ONLINE CORE_0 1
CPU_ONLINE CORE_1 1
CPU_ONLINE CORE_2 0
CPU_ONLINE CORE_3 0
CPU_A57 MIN_FREQ  0
CPU_A57 MAX_FREQ 918000
GPU_POWER_CONTROL_ENABLE GPU_PWR_CNTL_EN on
GPU MIN_FREQ 0
GPU MAX_FREQ 640000000
EMC MAX_FREQ 1600000000
< PM_CONFIG DEFAULT=0 >
"""
# From a note of 2017 on github.com: Jetson TX2, whose file has no line for the first core.
TX2 = """\
< PARAM TYPE=CLOCK NAME=CPU_A57 >
MAX_FREQ /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq
< PARAM TYPE=CLOCK NAME=CPU_DENVER >
MAX_FREQ /sys/devices/system/cpu/cpu1/cpufreq/scaling_max_freq
< POWER_MODEL ID=4 NAME=MAXP_CORE_DENVER >
CPU_ONLINE CORE_1 1
CPU_ONLINE CORE_2 0
CPU_A57 MIN_FREQ 0
CPU_A57 MAX_FREQ 345600
CPU_DENVER MIN_FREQ 0
CPU_DENVER MAX_FREQ 2035200
GPU MAX_FREQ 1120000000
"""


@pytest.mark.parametrize(
    ("text", "number", "mode"),
    [
        (
            NANO,
            1,
            PowerMode(1, "5W", ClockLimits(0.0, 640e6), ((0, ClockLimits(0.0, 918e6)),), 2),
        ),
        (
            TX2,
            4,
            PowerMode(
                4,
                "MAXP_CORE_DENVER",
                ClockLimits(0.0, 1120e6),
                ((0, ClockLimits(0.0, 345.6e6)), (1, ClockLimits(0.0, 2035.2e6))),
                2,
            ),
        ),
    ],
)
def test_a_boards_own_file_gives_the_limits_in_hz(text: str, number: int, mode: PowerMode) -> None:
    assert parse_mode(text, number) == mode


def test_the_mode_in_the_status_file_is_the_present_one(tmp_path) -> None:
    trees.set_mode(tmp_path, 0)
    mode = present_mode(tmp_path)
    assert mode is not None
    assert (mode.name, mode.cores_online) == ("15W", 2)
    assert mode.gpu == ClockLimits(0.0, 612e6)
    assert mode.cluster([0, 1, 2, 3]) == ClockLimits(729.6e6, 1497.6e6)
    assert mode.cluster([8, 9]) == ClockLimits()


def test_without_a_status_file_the_default_mode_is_set(tmp_path) -> None:
    trees.write(tmp_path, "etc/nvpmodel.conf", trees.ORIN_CONF)
    mode = present_mode(tmp_path)
    assert mode is not None
    assert mode.name == "25W"


@pytest.mark.parametrize("value", ["-1", "0", "2147483647"])
def test_no_limit_is_infinite_however_it_is_written(value: str) -> None:
    mode = parse_mode(f"< POWER_MODEL NAME=MAXN ID=2 >\nGPU MAX_FREQ {value}\n", 2)
    assert mode == PowerMode(2, "MAXN", ClockLimits(0.0, math.inf))


def test_a_least_of_int_max_holds_the_clock_at_its_greatest() -> None:
    mode = parse_mode("< POWER_MODEL ID=2 NAME=TOP >\nGPU MIN_FREQ -1\nGPU MAX_FREQ 918000000\n", 2)
    assert mode is not None
    assert mode.gpu == ClockLimits(math.inf, 918e6)


@pytest.mark.parametrize("status", ["pmode:0007", "pmode:", "", "mode 2"])
def test_a_mode_that_the_files_do_not_say_is_none(tmp_path, status: str) -> None:
    trees.write(tmp_path, "etc/nvpmodel.conf", trees.ORIN_CONF)
    trees.write(tmp_path, "var/lib/nvpmodel/status", status)
    assert present_mode(tmp_path) is None


def test_a_machine_without_nvpmodel_has_no_mode(tmp_path) -> None:
    assert present_mode(tmp_path) is None


_LINES = st.sampled_from(
    [*trees.ORIN_CONF.splitlines(), "< POWER_MODEL >", "< POWER_MODEL ID=x", "GPU MAX_FREQ 9e9 #"]
) | st.text(max_size=30)


@given(st.lists(_LINES, max_size=20), st.none() | st.integers(-1, 5))
def test_no_text_makes_a_limit_that_is_no_number(lines: list[str], number: int | None) -> None:
    mode = parse_mode("\n".join(lines), number)
    if mode is not None:
        assert mode.number in range(6)
        assert mode.gpu.max_hz > 0
        assert mode.gpu.min_hz >= 0
