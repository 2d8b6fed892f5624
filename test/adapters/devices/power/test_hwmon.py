# SPDX-License-Identifier: Apache-2.0
"""Jetson's own power monitors give the board's total, or no total, and never a wrong one."""

from __future__ import annotations

import math
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.power.hwmon import PERIOD_S, InaSensor
from coinfer_ros.core.errors import Unavailable

trees = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "trees.py")))

CHIP = "sys/class/hwmon/hwmon1"
MEMORY = "sys/class/hwmon/hwmon2"


@pytest.fixture
def orin(tmp_path):
    trees.jetson_orin(tmp_path)
    return tmp_path


def powers_w(sample):
    return {rail.name: pytest.approx(rail.power_w) for rail in sample.rails}


@pytest.mark.parametrize(
    ("tree", "total_w", "rails", "covers"),
    [
        ("jetson_nano_jp4", 2.875, 3, "Jetson Nano, module and carrier board"),
        ("jetson_tx2_jp4", 3.056, 7, "Jetson TX2, module"),
        ("jetson_agx_xavier", 7.0, 6, "Jetson AGX Xavier, module"),
        ("jetson_orin", 12.4, 4, "Jetson AGX Orin, module"),
        ("jetson_orin_nano", 6.0, 3, "Jetson Orin NX or Orin Nano, module"),
        ("jetson_thor", 21.0, 4, "Jetson AGX Thor, module and carrier board"),
    ],
)
def test_every_generation_gives_its_total_and_all_its_rails(tmp_path, tree, total_w, rails, covers):
    getattr(trees, tree)(tmp_path)
    sensor = InaSensor(tmp_path, lambda: 5.0)
    sample = sensor.sample()
    assert (sample.at_s, len(sample.rails), sensor.info.covers) == (5.0, rails, covers)
    assert sample.power_w == pytest.approx(total_w)
    assert math.isnan(sample.counter_j)
    assert sensor.faults.total == 0


def test_a_chip_found_by_class_and_by_bus_counts_once_and_nothing_but_rails_does(orin):
    assert powers_w(InaSensor(orin).sample()) == {
        "VDD_GPU_SOC": 3.2,
        "VDD_CPU_CV": 4.4,
        "VIN_SYS_5V0": 4.8,
        "VDDQ_VDD2_1V8AO": 1.0,
    }


def test_a_container_that_sees_only_the_bus_sees_the_rails(orin):
    shutil.rmtree(orin / "sys/class/hwmon")
    assert InaSensor(orin).sample().power_w == pytest.approx(12.4)


def test_a_channel_that_is_off_is_no_rail(orin):
    trees.put(orin / MEMORY, {"in2_enable": 0})
    assert "VDDQ_VDD2_1V8AO" not in powers_w(InaSensor(orin).sample())


def test_a_channel_without_a_label_has_its_chips_address(orin):
    (orin / MEMORY / "in2_label").unlink()
    assert "1-0041 channel 2" in powers_w(InaSensor(orin).sample())


def test_a_rail_that_goes_is_left_out_alone_and_takes_the_total_with_it(orin):
    sensor = InaSensor(orin)
    (orin / CHIP / "curr2_input").unlink()
    sample = sensor.sample()
    assert set(powers_w(sample)) == {"VDD_GPU_SOC", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"}
    assert math.isnan(sample.power_w)
    assert sensor.faults.counts == {"rail not readable": 1}
    trees.put(orin / CHIP, {"curr2_input": 220})
    assert sensor.sample().power_w == pytest.approx(12.4)


def test_a_rail_that_the_total_does_not_need_may_go(orin):
    sensor = InaSensor(orin)
    (orin / MEMORY / "in2_input").unlink()
    assert sensor.sample().power_w == pytest.approx(12.4)
    assert sensor.faults.counts == {"rail not readable": 1}


def test_when_all_rails_are_gone_the_sensor_is_and_may_come_back(orin):
    sensor = InaSensor(orin)
    away = orin / "away"
    (orin / trees.I2C).rename(away)
    with pytest.raises(Unavailable, match="no power rail can be read now"):
        sensor.sample()
    away.rename(orin / trees.I2C)
    assert sensor.sample().power_w == pytest.approx(12.4)


@example(b"")
@example(b"nan\n")
@example(b"12.5\n")
@example(b"-\n")
@example(b"9" * 5000)
@given(st.binary(max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_a_whole_number_or_a_counted_fault(orin, content):
    sensor = InaSensor(orin)
    (orin / CHIP / "in1_input").write_bytes(content)
    sample = sensor.sample()
    assert ("VDD_GPU_SOC" in powers_w(sample)) == (sensor.faults.total == 0)
    assert math.isnan(sample.power_w) == (sensor.faults.total == 1)


@pytest.mark.parametrize("milliampere", [500_001, -51], ids=["over 10 kW", "under -1 W"])
def test_an_absurd_power_is_left_out_and_counted(orin, milliampere):
    sensor = InaSensor(orin)
    trees.put(orin / CHIP, {"curr1_input": milliampere})
    sample = sensor.sample()
    assert math.isnan(sample.power_w)
    assert "VDD_GPU_SOC" not in powers_w(sample)
    assert sensor.faults.counts == {"absurd power of a rail": 1}


def test_an_idle_rail_may_read_a_step_below_zero(tmp_path):
    trees.jetson_thor(tmp_path)
    assert powers_w(InaSensor(tmp_path).sample())["VDD_GPU"] == -0.4


def test_a_board_that_is_not_in_the_table_has_rails_and_no_total(orin):
    shutil.rmtree(orin / "proc")
    trees.device_tree(orin, "Robot of next year", "vendor,robot")
    sensor = InaSensor(orin)
    samples = [sensor.sample(), sensor.sample()]
    assert all(len(sample.rails) == 4 and math.isnan(sample.power_w) for sample in samples)
    assert sensor.faults.counts == {"total not known": 1}
    assert "Robot of next year is not in the table" in sensor.info.covers


def test_a_board_without_a_rail_of_its_total_has_none_and_says_so(tmp_path):
    trees.jetson_thor(tmp_path)
    shutil.rmtree(tmp_path / trees.I2C / "2-0044")
    sensor = InaSensor(tmp_path)
    assert math.isnan(sensor.sample().power_w)
    assert "Jetson AGX Thor without rail VIN" in sensor.info.covers
    assert sensor.faults.counts == {"total not known": 1}


def test_thors_input_is_known_by_its_chip_where_it_has_no_label(tmp_path):
    trees.jetson_thor(tmp_path, label=None)
    assert InaSensor(tmp_path).sample().power_w == 21.0


def test_a_chip_that_measures_power_itself_takes_its_label_from_the_device_tree(tmp_path):
    folder = trees.hwmon(tmp_path, 0, "ina226", "1-0044", {"power1_input": 1_500_000})
    trees.put(folder, {"device/of_node/label": "BATTERY\0"})
    assert powers_w(InaSensor(tmp_path).sample()) == {"BATTERY": 1.5}


def test_an_old_driver_without_power_gives_voltage_and_current(tmp_path):
    trees.jetson_nano_jp4(tmp_path)
    (tmp_path / "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_power0_input").unlink()
    assert InaSensor(tmp_path).sample().power_w == pytest.approx(5.0 * 0.575)


@pytest.mark.parametrize(
    ("tree", "celsius", "load"),
    [
        ("jetson_orin", 43.25, 0.731),
        ("jetson_orin_nano", 49.0, 0.0),
        ("jetson_nano_jp4", 34.5, 1.0),
        ("jetson_thor", 53.7, math.nan),  # its GPU sleeps: the processor's, and no load anywhere
        ("jetson_tx2_jp4", 41.5, math.nan),  # the hotter of its two clusters
        ("jetson_agx_xavier", math.nan, math.nan),
    ],
)
def test_temperature_and_load_are_the_gpus(tmp_path, tree, celsius, load):
    getattr(trees, tree)(tmp_path)
    sensor = InaSensor(tmp_path)
    sample = sensor.sample()
    assert sample.temperature_c == pytest.approx(celsius, nan_ok=True)
    assert sample.load == pytest.approx(load, nan_ok=True)
    assert sensor.faults.total == 0


@pytest.mark.parametrize("load", [1001, -1, "busy"])
def test_a_load_that_is_no_share_is_not_known_and_counted(orin, load):
    trees.put(orin, {"sys/devices/platform/bus@0/17000000.gpu/load": load})
    sensor = InaSensor(orin)
    assert math.isnan(sensor.sample().load)
    assert sensor.faults.counts == {"load not readable": 1}


def test_temperatures_that_no_chip_has_are_not_known_and_counted(orin):
    trees.thermal(orin, cpu_thermal=-256.0, gpu_thermal=2000.0)
    sensor = InaSensor(orin)
    assert math.isnan(sensor.sample().temperature_c)
    assert sensor.faults.counts == {"temperature not readable": 1}


@pytest.mark.parametrize(
    ("milliseconds", "period_s"), [(430, 0.43), (0, PERIOD_S), (10_001, PERIOD_S), ("?", PERIOD_S)]
)
def test_the_period_is_the_slowest_chips_where_its_driver_tells_a_sensible_one(
    orin, milliseconds, period_s
):
    trees.put(orin / MEMORY, {"update_interval": milliseconds})
    assert InaSensor(orin).info.period_s == pytest.approx(period_s)


def test_where_there_is_no_monitor_the_error_names_where_it_was_looked_for(tmp_path):
    trees.hwmon(tmp_path, 0, "coretemp", "1-0040", {"temp1_input": 40000})
    with pytest.raises(Unavailable, match=rf"must be at {tmp_path}/sys/class/hwmon.*ina3221x"):
        InaSensor(tmp_path)


def test_a_user_who_may_not_read_is_told_the_one_command(tmp_path):
    trees.jetson_nano_jp4(tmp_path)
    for file in tmp_path.glob("sys/bus/i2c/drivers/ina3221x/*/iio:device*/in_*"):
        file.chmod(0)
    refusal = trees.refusal(tmp_path, InaSensor)
    assert refusal.startswith("NotPermitted: sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/in_")
    assert refusal.endswith(REMEDY)


def test_closing_twice_is_closing_once(orin):
    sensor = InaSensor(orin)
    sensor.close()
    sensor.close()
