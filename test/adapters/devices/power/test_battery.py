# SPDX-License-Identifier: Apache-2.0
"""Batteries tell a machine's power while it runs on them, and nothing while it does not."""

from __future__ import annotations

import math
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from coinfer_ros.adapters.devices.power.battery import BatterySensor
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.ports import Rail

trees = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "trees.py")))

CURRENT = {"power_now": None, "current_now": 800_000, "voltage_now": 12_000_000}


@pytest.mark.parametrize(
    ("files", "power_w"),
    [
        ({}, 9.5),
        ({"power_now": -9_500_000}, 9.5),
        (CURRENT, 9.6),
        ({**CURRENT, "current_now": -800_000}, 9.6),
        ({"voltage_now": None}, 9.5),
        ({"present": None, "scope": "System"}, 9.5),
    ],
    ids=["power", "negative power", "current", "negative current", "no voltage", "scope System"],
)
def test_a_battery_that_discharges_gives_the_machines_power_whatever_its_sign(
    tmp_path, files, power_w
):
    trees.battery(tmp_path, **files)
    sensor = BatterySensor(tmp_path, lambda: 7.0)
    sample = sensor.sample()
    assert sample.at_s == 7.0
    assert sample.power_w == pytest.approx(power_w)
    assert sample.rails == (Rail("BAT0", sample.power_w),)
    assert sensor.info.covers == "whole machine while it runs on BAT0"
    assert sensor.faults.total == 0


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging", "Unknown", "", "odd"])
def test_on_mains_the_power_is_not_known_and_counted(tmp_path, status):
    trees.battery(tmp_path, status=status)
    sensor = BatterySensor(tmp_path)
    sample = sensor.sample()
    assert math.isnan(sample.power_w)
    assert sample.rails == ()
    assert sensor.faults.counts == {"power not known": 1}


@pytest.mark.parametrize(
    "files",
    [
        {"power_now": 0},
        {"power_now": 10_000_000_001},
        {"power_now": "strong"},
        {"power_now": None},
        {**CURRENT, "voltage_now": None},
        {**CURRENT, "voltage_now": 0},
        {**CURRENT, "current_now": ""},
    ],
)
def test_a_power_that_no_running_machine_draws_is_not_known_and_counted(tmp_path, files):
    trees.battery(tmp_path, **files)
    sensor = BatterySensor(tmp_path)
    assert math.isnan(sensor.sample().power_w)
    assert sensor.faults.total == 1


@pytest.mark.parametrize(
    ("files", "power_w"),
    [
        ({"power_now": 4_500_000}, 14.0),
        ({"power_now": 0}, math.nan),
        ({"status": "Full"}, 9.5),
        ({"status": "Not charging"}, 9.5),
        ({"status": "Charging"}, math.nan),
        ({"status": "Unknown"}, math.nan),
    ],
)
def test_several_batteries_sum_unless_one_of_them_says_nothing(tmp_path, files, power_w):
    trees.battery(tmp_path)
    trees.battery(tmp_path, "BAT1", **files)
    assert BatterySensor(tmp_path).sample().power_w == pytest.approx(power_w, nan_ok=True)


@pytest.mark.parametrize(
    "files",
    [{"type": "Mains"}, {"type": "USB"}, {"scope": "Device"}, {"present": 0}, {"type": None}],
)
def test_what_does_not_feed_the_machine_is_no_battery_of_it(tmp_path, files):
    trees.battery(tmp_path, "other", **files)
    with pytest.raises(Unavailable, match=rf"must be at {tmp_path}/sys/class/power_supply"):
        BatterySensor(tmp_path)
    trees.battery(tmp_path)
    assert BatterySensor(tmp_path).sample().power_w == pytest.approx(9.5)


def test_a_machine_without_supplies_has_no_battery(tmp_path):
    with pytest.raises(Unavailable, match="a battery of this machine must be at"):
        BatterySensor(tmp_path)


def test_a_battery_that_is_taken_out_takes_the_total_with_it(tmp_path):
    trees.battery(tmp_path)
    second = trees.battery(tmp_path, "BAT1")
    sensor = BatterySensor(tmp_path)
    shutil.rmtree(second)
    sample = sensor.sample()
    assert math.isnan(sample.power_w)
    assert [rail.name for rail in sample.rails] == ["BAT0"]
    assert sensor.faults.counts == {"battery not readable": 1}
    trees.battery(tmp_path, "BAT1")
    assert sensor.sample().power_w == pytest.approx(19.0)


def test_when_the_only_battery_is_gone_the_sensor_is(tmp_path):
    folder = trees.battery(tmp_path)
    sensor = BatterySensor(tmp_path)
    shutil.rmtree(folder)
    with pytest.raises(Unavailable, match="no battery can be read now"):
        sensor.sample()
