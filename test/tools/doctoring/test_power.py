# SPDX-License-Identifier: Apache-2.0
"""Every power sensor is opened and says what it gives, or why it gives nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinfer_ros.tools.doctoring import power, rights
from coinfer_ros.tools.doctoring.apart import findings
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices import clock_trees, trees
from ...adapters.devices.fake_nvml import FakeNvml

DRIVER_NOT_LOADED, RESET_REQUIRED = 9, 16  # nvml.h


@pytest.fixture
def nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path, gpus=2) as fake:
        yield fake


def _found(root: Path, name: str) -> list[Finding]:
    (check,) = (one for one in power.checks(root) if one.name == name)
    return list(check.look())


def _one(root: Path, name: str) -> Finding:
    (found,) = _found(root, name)
    return found


def test_a_jetson_s_monitors_give_its_total(tmp_path: Path) -> None:
    trees.jetson_orin(tmp_path)
    found = _one(tmp_path, "hwmon")
    assert (found.area, found.name, found.status) == ("power", "hwmon", Status.GOOD)
    assert found.detail.startswith("Jetson AGX Orin, module; 12.4 W now; new every 0.007 s; ")
    assert found.detail.endswith("no energy counter")


def test_a_processor_s_counters_give_a_power_from_the_second_look_on(tmp_path: Path) -> None:
    trees.rapl_amd(tmp_path)
    found = _one(tmp_path, "rapl")
    words = "processor: package-0; 0 W now; new every 0.001 s; an energy counter"
    assert (found.status, found.detail) == (Status.GOOD, words)


def test_a_board_whose_total_is_not_known_shows_its_rails(tmp_path: Path) -> None:
    trees.ina3221(tmp_path, 1, "1-0040", ("VDD_A", 5000, 200), ("VDD_B", 5000, 400))
    found = _one(tmp_path, "hwmon")
    assert found.status is Status.LIMITED
    assert "total power not known now" in found.detail
    assert "VDD_A 1 W, VDD_B 2 W" in found.detail
    assert "board without a name is not in the table" in found.detail


def test_a_laptop_on_mains_is_told_why_it_knows_no_power(tmp_path: Path) -> None:
    trees.battery(tmp_path, status="Full")
    found = _one(tmp_path, "battery")
    assert found.status is Status.LIMITED
    assert "power not known: no battery discharges" in found.detail


def test_counters_that_only_root_may_read_name_the_command() -> None:
    with clock_trees.open_folder() as root:
        trees.rapl_amd(root)
        with clock_trees.as_ordinary_user(root):
            for file in root.rglob("energy_uj"):
                file.chmod(0)
            found = _one(root, "rapl")
    assert (found.status, found.remedy) == (Status.LIMITED, rights.PERMIT)
    assert "energy_uj must be readable by this user" in found.detail
    assert "permit.sh" not in found.detail


@pytest.mark.parametrize("name", power.SENSORS)
def test_a_machine_without_a_sensor_misses_it_and_has_nothing_to_mend(
    tmp_path: Path, name: str
) -> None:
    found = _one(tmp_path, name)
    assert (found.status, found.remedy) == (Status.MISSING, "")


def test_a_sensor_that_gives_no_sample_is_a_fault(tmp_path: Path) -> None:
    trees.jetson_orin(tmp_path)
    for file in tmp_path.rglob("curr*_input"):
        file.write_text("\n")
    found = _one(tmp_path, "hwmon")
    assert found.status is Status.FAULT
    assert found.detail.startswith("no power rail can be read now")


def test_a_driver_that_hangs_is_a_fault_and_all_others_answer(tmp_path: Path) -> None:
    trees.jetson_orin(tmp_path)
    trees.rapl_amd(tmp_path)
    name = next(tmp_path.glob("sys/class/hwmon/hwmon1/name"))
    name.unlink()
    os.mkfifo(name)  # whoever opens it waits for a writer
    found = {one.name: one for one in findings(power.checks(tmp_path), within_s=2.0)}
    hung = Finding("power", "hwmon", Status.FAULT, "no answer within 2 s")
    assert found["hwmon"] == hung
    assert found["rapl"].status is Status.GOOD
    assert set(found) == {"nvml", *power.SENSORS}


def test_each_gpu_is_named(nvml: FakeNvml, tmp_path: Path) -> None:
    nvml.lose(1)
    first, second = _found(tmp_path, "nvml")
    assert (first.name, first.status) == ("nvml GPU 0", Status.GOOD)
    assert "70 W now" in first.detail
    assert "an energy counter" in first.detail
    assert (second.name, second.status) == ("nvml GPU 1", Status.FAULT)
    assert "fallen off the bus" in second.detail
    nvml.gpu(1).error = RESET_REQUIRED
    assert _found(tmp_path, "nvml")[1].remedy == "sudo nvidia-smi --gpu-reset"


def test_nothing_of_a_gpu_is_changed(nvml: FakeNvml, tmp_path: Path) -> None:
    _found(tmp_path, "nvml")
    assert not [name for name in nvml.calls() if "Set" in name or "Reset" in name]


@pytest.mark.parametrize(("card", "status"), [("0x10de", "fault"), ("0x8086", "missing")])
def test_a_card_without_its_driver_is_a_fault_and_no_card_is_none(
    nvml: FakeNvml, tmp_path: Path, card: str, status: str
) -> None:
    nvml.world.init_error = DRIVER_NOT_LOADED
    device = "sys/bus/pci/devices/0000:01:00.0"
    trees.put(tmp_path, {f"{device}/vendor": card, f"{device}/class": "0x030200"})
    found = _one(tmp_path, "nvml")
    assert found.status == status
    assert found.remedy == ("sudo modprobe nvidia" if status == "fault" else "")
