# SPDX-License-Identifier: Apache-2.0
"""The sensor of an NVIDIA GPU gives what NVML gives, and nothing that it does not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pynvml
import pytest

from coinfer_ros.adapters.devices.nvml import NvmlSensor, measured_period_s
from coinfer_ros.core.errors import InvalidInput, Unavailable, Unsupported
from coinfer_ros.core.ports import ProcessLoad, Rail, Sensor

from ..fake_nvml import FakeNvml

MILLI = 1e-3  # NVML's step of power (W) and of energy (J)
ENERGY = "nvmlDeviceGetTotalEnergyConsumption"
FIELDS = "nvmlDeviceGetFieldValues"


@pytest.fixture
def nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path, gpus=2, speed=0.0) as fake:
        yield fake


@pytest.fixture
def sensor(nvml: FakeNvml) -> Iterator[NvmlSensor]:
    opened = NvmlSensor(now=nvml.now)
    yield opened
    opened.close()


def test_it_is_a_sensor_that_says_what_it_covers(sensor: NvmlSensor) -> None:
    port: Sensor = sensor
    assert port.info.source == "nvml"
    assert port.info.covers == "GPU 0 (NVIDIA H100 80GB HBM3), whole board, instantaneous power"
    assert (port.info.period_s, port.info.resolution_j) == (0.1, MILLI)
    assert math.isinf(port.info.wraps_at_j)


def test_power_temperature_and_load_are_those_of_the_gpu(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    nvml.change(load=0.5, temperature_c=71)
    nvml.change(1, load=1.0)
    nvml.advance(3.0)
    found = sensor.sample()
    assert found.power_w == pytest.approx(nvml.power_w(), abs=MILLI)
    assert found.rails == (Rail("GPU", found.power_w),)
    assert (found.at_s, found.temperature_c, found.load) == (nvml.now(), 71.0, 0.5)


def test_the_counter_adds_up_the_power_in_steps_of_its_period(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    before = sensor.sample()
    idle_w = nvml.power_w()
    nvml.advance(0.5)
    nvml.change(load=1.0)
    nvml.advance(1.25)  # the last 0.05 s are not yet in the counter
    after = sensor.sample()
    expected_j = 0.5 * idle_w + 1.2 * nvml.power_w()
    assert after.counter_j - before.counter_j == pytest.approx(expected_j, abs=2 * MILLI)
    nvml.advance(0.04)
    assert sensor.sample().counter_j == after.counter_j


def test_without_the_instantaneous_field_the_average_is_taken_and_named(nvml: FakeNvml) -> None:
    nvml.change(has_instant=0, load=0.25)
    sensor = NvmlSensor(now=nvml.now)
    assert "average" in sensor.info.covers
    assert sensor.sample().power_w == pytest.approx(nvml.power_w(), abs=MILLI)
    assert sensor.faults.counts["instantaneous power not given"] == 1
    sensor.close()


def test_mig_is_named_because_the_power_is_that_of_all_instances(nvml: FakeNvml) -> None:
    nvml.gpu().mig = 1
    sensor = NvmlSensor(now=nvml.now)
    assert "all MIG instances" in sensor.info.covers
    sensor.close()


def test_memory_and_module_are_rails_where_they_are_measured(nvml: FakeNvml) -> None:
    nvml.change(memory_w=55.5, module_w=321.0)
    sensor = NvmlSensor(now=nvml.now)
    gpu, *others = sensor.sample().rails
    assert gpu.name == "GPU"
    assert others == [Rail("GPU memory", 55.5), Rail("module", 321.0)]
    assert sensor.faults.total == 0
    sensor.close()


def test_a_memory_power_of_zero_is_no_reading_and_counted_once(nvml: FakeNvml) -> None:
    nvml.change(memory_w=0.0)
    sensor = NvmlSensor(now=nvml.now)
    for _ in range(3):
        assert [rail.name for rail in sensor.sample().rails] == ["GPU"]
    assert sensor.faults.counts["memory power not given"] == 1
    sensor.close()


@pytest.mark.parametrize(
    ("functions", "figure", "reason"),
    [
        ((ENERGY,), "counter_j", "energy counter not given"),
        ((FIELDS, "nvmlDeviceGetPowerUsage"), "power_w", "power not given"),
        (
            ("nvmlDeviceGetTemperatureV", "nvmlDeviceGetTemperature"),
            "temperature_c",
            "temperature not given",
        ),
        (("nvmlDeviceGetUtilizationRates",), "load", "load not given"),
    ],
)
@pytest.mark.parametrize(
    "code",
    [
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_FUNCTION_NOT_FOUND,
    ],
)
def test_what_a_gpu_does_not_give_is_unknown_and_counted_once(
    nvml: FakeNvml, functions: tuple[str, ...], figure: str, reason: str, code: int
) -> None:
    for function in functions:
        nvml.fail(function, code)
    sensor = NvmlSensor(now=nvml.now)
    for _ in range(3):
        found = sensor.sample()
    figures = ("power_w", "counter_j", "temperature_c", "load")
    assert [name for name in figures if math.isnan(getattr(found, name))] == [figure]
    assert sensor.faults.counts[reason] == 1
    sensor.close()


def test_the_older_temperature_function_is_asked_where_the_newer_is_missing(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    nvml.fail("nvmlDeviceGetTemperatureV", pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    assert sensor.sample().temperature_c == 35.0


def test_a_gpu_that_measures_neither_power_nor_energy_is_unsupported(nvml: FakeNvml) -> None:
    for function in (ENERGY, FIELDS, "nvmlDeviceGetPowerUsage"):
        nvml.fail(function)
    with pytest.raises(Unsupported, match=r"GPU 0 .* tegrastats"):
        NvmlSensor(now=nvml.now)
    assert nvml.calls()["nvmlShutdown"] == 1


def test_a_figure_that_fails_now_and_then_is_unknown_then_and_counted_each_time(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    nvml.fail(ENERGY, pynvml.NVML_ERROR_TIMEOUT)
    for _ in range(2):
        assert math.isnan(sensor.sample().counter_j)
    nvml.fail(ENERGY, 0)
    assert not math.isnan(sensor.sample().counter_j)
    assert sensor.faults.counts["energy counter not read"] == 2


@pytest.mark.parametrize(
    ("field", "odd", "figure", "reason"),
    [
        ("odd_power", -1, "power_w", "absurd instantaneous power"),  # 0xFFFFFFFF
        ("odd_power", 10_000_001, "power_w", "absurd instantaneous power"),
        ("odd_power", 0, "power_w", "absurd instantaneous power"),
        ("odd_energy", -1, "counter_j", "absurd energy counter"),
        ("odd_energy", 0xFFFFFFFF, "counter_j", "absurd energy counter"),
        ("odd_temperature", 1000, "temperature_c", "absurd temperature"),
        ("odd_load", 101, "load", "absurd load"),
    ],
)
def test_an_absurd_figure_is_left_out_and_counted(
    nvml: FakeNvml, sensor: NvmlSensor, field: str, odd: int, figure: str, reason: str
) -> None:
    nvml.change(**{field: odd})
    for _ in range(2):
        found = sensor.sample()
        assert math.isnan(getattr(found, figure))
    assert sensor.faults.counts[reason] == 2
    assert all(rail.power_w > 0 for rail in found.rails)


def test_the_newest_load_of_each_process_is_given(nvml: FakeNvml, sensor: NvmlSensor) -> None:
    gpu = nvml.gpu()
    assert sensor.sample().processes == ()  # NVML answers NOT_FOUND
    gpu.processes = 4
    gpu.process[:] = [(10, 30, 100_000), (10, 90, 500_000), (0, 0, 0), (11, 40, 3_000_000)]
    assert sensor.sample().processes == (ProcessLoad(10, 0.3),)  # that of 11 is 3 s old
    assert "process load" not in str(sensor.faults)


def test_an_absurd_load_of_a_process_is_left_out_and_counted(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    nvml.gpu().processes = 2
    # 2147483632: NVIDIA/DCGM issue 83
    nvml.gpu().process[:2] = [(10, 2147483632, 1000), (11, 100, 1000)]
    assert sensor.sample().processes == (ProcessLoad(11, 1.0),)
    assert sensor.faults.counts["absurd process load"] == 1


def test_a_lost_gpu_is_unavailable_until_it_is_back(nvml: FakeNvml, sensor: NvmlSensor) -> None:
    nvml.lose()
    for _ in range(3):
        with pytest.raises(Unavailable, match="fallen off the bus"):
            sensor.sample()
    nvml.give_back()
    assert sensor.sample().power_w == pytest.approx(nvml.power_w(), abs=MILLI)


@pytest.mark.parametrize(
    "code",
    [
        pynvml.NVML_ERROR_NO_PERMISSION,
        pynvml.NVML_ERROR_NOT_SUPPORTED,
        pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    ],
)
def test_whatever_keeps_nvml_from_restarting_nothing_is_taken_for_absent(
    nvml: FakeNvml, sensor: NvmlSensor, code: int
) -> None:
    counted = sensor.faults.total
    nvml.reload_driver()
    nvml.world.init_error = code
    for _ in range(3):
        with pytest.raises(Unavailable):
            sensor.sample()
    nvml.world.init_error = 0
    found = sensor.sample()
    assert not math.isnan(found.power_w + found.counter_j + found.temperature_c + found.load)
    assert sensor.faults.total == counted


def test_after_a_reload_of_the_driver_the_counter_begins_anew(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    nvml.advance(10.0)
    before = sensor.sample()
    nvml.reload_driver()
    with pytest.raises(Unavailable):
        sensor.sample()
    assert sensor.sample().counter_j < before.counter_j


def test_a_gpu_that_answers_nothing_is_unavailable(nvml: FakeNvml, sensor: NvmlSensor) -> None:
    nvml.gpu().error = pynvml.NVML_ERROR_TIMEOUT
    with pytest.raises(Unavailable, match="did not answer in time"):
        sensor.sample()
    nvml.gpu().error = 0
    assert sensor.sample().power_w > 0


def test_a_closed_sensor_is_unavailable(sensor: NvmlSensor) -> None:
    sensor.close()
    with pytest.raises(Unavailable, match="closed"):
        sensor.sample()


def test_it_calls_nothing_that_changes_the_gpu(nvml: FakeNvml) -> None:
    nvml.change(load=0.5, memory_w=50.0)
    sensor = NvmlSensor(now=nvml.now)
    sensor.sample()
    nvml.lose()
    with pytest.raises(Unavailable):
        sensor.sample()
    nvml.give_back()
    measured_period_s(sensor, within_s=0.3, pause_s=0.05, sleep=nvml.advance)
    sensor.close()
    harmless = ("nvmlInit", "nvmlShutdown", "nvmlDeviceGet")
    assert [name for name in nvml.calls() if not name.startswith(harmless)] == []


@pytest.mark.parametrize("period_s", [0.02, 0.1])
def test_the_period_of_the_counter_is_measured(
    nvml: FakeNvml, sensor: NvmlSensor, period_s: float
) -> None:
    nvml.change(period_s=period_s)
    measured_s = measured_period_s(sensor, pause_s=0.003, sleep=nvml.advance)
    assert measured_s == pytest.approx(period_s, abs=0.003)


def test_the_period_of_a_counter_that_stands_still_is_unknown(
    nvml: FakeNvml, sensor: NvmlSensor
) -> None:
    nvml.change(stalled=1)
    start_s = nvml.now()
    assert math.isnan(measured_period_s(sensor, within_s=1.0, pause_s=0.01, sleep=nvml.advance))
    assert nvml.now() - start_s == pytest.approx(1.0, abs=0.011)


@pytest.mark.usefixtures("nvml")
def test_watching_ends_even_when_time_stands_still(sensor: NvmlSensor) -> None:
    assert math.isnan(measured_period_s(sensor, within_s=0.1, sleep=lambda _: None))


def test_the_period_needs_a_counter(nvml: FakeNvml) -> None:
    nvml.fail(ENERGY)
    sensor = NvmlSensor(now=nvml.now)
    assert math.isnan(measured_period_s(sensor, within_s=0.5, pause_s=0.05, sleep=nvml.advance))
    sensor.close()


@pytest.mark.parametrize("bad", [{"within_s": 0.0}, {"pause_s": math.nan}])
def test_a_time_that_is_not_positive_is_refused(sensor: NvmlSensor, bad: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(bad))):
        measured_period_s(sensor, **bad)  # type: ignore[arg-type]
