# SPDX-License-Identifier: Apache-2.0
"""The processors' energy counters make one that does not wrap, and a power of each zone."""

from __future__ import annotations

import math
import runpy
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.power.rapl import RaplSensor
from coinfer_ros.core.errors import Unavailable

trees = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "trees.py")))

POWERCAP = "sys/class/powercap"
TICK_J = 1e-6  # what the files resolve


class Machine:
    """An Intel server of two packages whose zones draw what a test says."""

    def __init__(self, root: Path, **options: bool) -> None:
        trees.rapl(root)
        self.root, self.now_s = root, 100.0
        self.sensor = RaplSensor(root, lambda: self.now_s, **options)

    def file(self, number: str) -> Path:
        return self.root / POWERCAP / f"intel-rapl:{number}" / "energy_uj"

    def draw(self, elapsed_s: float, **energy_j: float) -> None:
        """Let time pass; ``z0_1`` is the zone ``intel-rapl:0:1``, which wraps at its range."""
        self.now_s += elapsed_s
        for zone, step_j in energy_j.items():
            file = self.file(zone[1:].replace("_", ":"))
            range_uj = int(file.with_name("max_energy_range_uj").read_text())
            file.write_text(f"{(int(file.read_text()) + round(1e6 * step_j)) % range_uj}\n")

    def sample(self):
        return self.sensor.sample()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_the_total_is_all_packages_and_their_memory_and_every_zone_is_a_rail(machine):
    machine.draw(0.1, z0=2.0, z0_0=1.5, z0_1=0.25, z1=3.0, z1_1=0.5, z2=9.0)
    sample = machine.sample()
    assert sample.power_w == pytest.approx(57.5)
    assert sample.counter_j == pytest.approx(5.75)
    assert {rail.name: pytest.approx(rail.power_w) for rail in sample.rails} == {
        "package-0": 20.0,
        "package-0 core": 15.0,
        "package-0 dram": 2.5,
        "package-1": 30.0,
        "package-1 core": 0.0,
        "package-1 dram": 5.0,
        "psys": 90.0,
    }
    expected = "processor: package-0 + package-0 dram + package-1 + package-1 dram"
    assert machine.sensor.info.covers == expected
    assert machine.sensor.info.wraps_at_j == math.inf
    assert machine.sensor.faults.total == 0


def test_the_platform_is_the_total_where_it_is_asked_for(tmp_path):
    machine = Machine(tmp_path, platform=True)
    machine.draw(0.1, z0=2.0, z2=9.0)
    assert machine.sample().power_w == pytest.approx(90.0)
    assert machine.sensor.info.covers == "processor: psys"


def test_without_a_platform_counter_the_packages_are_the_total_though_it_is_asked_for(tmp_path):
    trees.rapl_amd(tmp_path)
    assert RaplSensor(tmp_path, platform=True).info.covers == "processor: package-0"


def test_amds_cores_are_a_part_of_their_package(tmp_path):
    trees.rapl_amd(tmp_path)
    now_s = iter([0.0, 2.0])
    sensor = RaplSensor(tmp_path, lambda: next(now_s))
    for number, energy_uj in (("0", 50_000_000), ("0:0", 30_000_000)):
        trees.put(tmp_path / POWERCAP / f"intel-rapl:{number}", {"energy_uj": energy_uj})
    sample = sensor.sample()
    assert (sample.power_w, sample.counter_j) == (15.0, 30.0)


def test_the_same_package_by_another_interface_is_not_counted_again(machine, tmp_path):
    folder = tmp_path / POWERCAP / "intel-rapl-mmio:0"
    trees.put(folder, {"name": "package-0", "energy_uj": 1, "max_energy_range_uj": 10**12})
    assert RaplSensor(tmp_path).info.covers == machine.sensor.info.covers


def test_a_counter_that_moves_between_looks_at_one_moment_has_not_jumped(machine):
    machine.draw(0.0, z0=0.1)
    assert machine.sample().counter_j == pytest.approx(0.1)
    assert machine.sensor.faults.total == 0


def test_looks_closer_than_three_updates_give_energy_and_no_power(machine):
    machine.draw(0.002, z0=0.04)
    sample = machine.sample()
    assert sample.counter_j == pytest.approx(0.04)
    assert math.isnan(sample.power_w)
    assert sample.rails == ()
    machine.draw(0.002, z0=0.06)
    assert machine.sample().power_w == pytest.approx(0.1 / 0.004)
    assert machine.sensor.faults.total == 0


@given(
    st.lists(
        st.tuples(*[st.floats(0.0, 90_000.0)] * 2, *[st.floats(0.0, 60_000.0)] * 2), max_size=8
    )
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_counter_is_what_was_drawn_though_each_zone_wraps_at_its_own_range(tmp_path, steps):
    shutil.rmtree(tmp_path / "sys", ignore_errors=True)
    machine = Machine(tmp_path)
    drawn_j = 0.0
    for package_0, package_1, memory_0, memory_1 in steps:
        machine.draw(60.0, z0=package_0, z1=package_1, z0_1=memory_0, z1_1=memory_1)
        drawn_j += package_0 + package_1 + memory_0 + memory_1
        sample = machine.sample()
        # each of the four files rounds each step to a microjoule
        assert sample.counter_j == pytest.approx(drawn_j, abs=4 * len(steps) * TICK_J)
    assert machine.sensor.faults.total == 0


def test_a_counter_that_begins_anew_leaves_a_gap_and_a_sum_that_falls(machine):
    machine.draw(0.1, z0=2.0, z1=3.0)
    before = machine.sample()
    machine.draw(0.1, z0=2.0)
    machine.file("1").write_text(
        "0\n"
    )  # 1003 J below: no 10 kW fill the rest of the range in 0.1 s
    lost = machine.sample()
    assert math.isnan(lost.counter_j)
    assert math.isnan(lost.power_w)
    assert "package-1" not in {rail.name for rail in lost.rails}
    assert machine.sensor.faults.counts == {"counter fell or jumped": 1}
    machine.draw(0.1, z0=1.0, z1=1.0)
    after = machine.sample()
    assert after.counter_j < before.counter_j
    assert after.power_w == pytest.approx(20.0)


def test_a_zone_that_the_total_does_not_need_may_begin_anew(machine):
    machine.draw(0.1, z0=2.0)
    machine.sample()
    machine.file("0:0").write_text("0\n")
    machine.draw(0.1, z0=2.0)
    sample = machine.sample()
    assert sample.counter_j == pytest.approx(4.0)
    assert sample.power_w == pytest.approx(20.0)
    assert machine.sensor.faults.counts == {"counter fell or jumped": 1}


def test_a_zone_that_cannot_be_read_for_a_while_loses_no_energy(machine):
    machine.draw(0.1, z0=2.0)
    machine.sample()
    hidden = machine.file("1").rename(machine.root / "hidden")
    machine.draw(0.1, z0=2.0)
    sample = machine.sample()
    assert math.isnan(sample.power_w)
    assert math.isnan(sample.counter_j)
    assert "package-0" in {rail.name for rail in sample.rails}
    assert machine.sensor.faults.counts == {"counter not readable": 1}
    hidden.rename(machine.file("1"))
    machine.draw(0.1, z0=2.0, z1=6.0)
    sample = machine.sample()
    assert sample.counter_j == pytest.approx(12.0)
    assert sample.power_w == pytest.approx(2.0 / 0.1 + 6.0 / 0.2)


def test_a_zone_that_the_total_does_not_need_may_go(machine):
    machine.file("0:0").unlink()
    machine.draw(0.1, z0=2.0)
    assert machine.sample().power_w == pytest.approx(20.0)
    assert machine.sensor.faults.counts == {"counter not readable": 1}


@pytest.mark.parametrize("text", ["", "many", "1.5", "99999999999999999999999"])
def test_what_is_no_count_of_energy_is_left_out_and_counted(machine, text):
    machine.file("0").write_text(f"{text}\n")
    machine.draw(0.1, z1=3.0)
    sample = machine.sample()
    assert math.isnan(sample.power_w)
    assert math.isnan(sample.counter_j)
    assert "package-1" in {rail.name for rail in sample.rails}
    assert machine.sensor.faults.total == 1


def test_when_all_counters_are_gone_the_sensor_is(machine):
    shutil.rmtree(machine.root / "sys")
    with pytest.raises(Unavailable, match="no RAPL energy counter can be read now"):
        machine.sample()


def test_where_there_is_no_counter_the_error_names_where_it_was_looked_for(tmp_path):
    with pytest.raises(Unavailable, match=rf"must be at {tmp_path}/{POWERCAP}/intel-rapl:\*"):
        RaplSensor(tmp_path)


def test_a_zone_without_a_range_is_left_out_of_the_total_and_of_what_it_covers(tmp_path):
    trees.rapl(tmp_path)
    (tmp_path / POWERCAP / "intel-rapl:1:1" / "max_energy_range_uj").unlink()
    sensor = RaplSensor(tmp_path)
    assert sensor.info.covers == "processor: package-0 + package-0 dram + package-1"
    assert sensor.faults.counts == {"zone left out": 1}


def test_a_user_who_may_not_read_is_told_the_one_command(tmp_path):
    trees.rapl(tmp_path)
    for file in tmp_path.glob(f"{POWERCAP}/*/energy_uj"):
        file.chmod(0o400)
    refusal = trees.refusal(tmp_path, RaplSensor)
    if refusal == "no error":
        pytest.skip("this user owns the files and may read them")
    assert refusal.startswith(f"NotPermitted: {POWERCAP}/intel-rapl:0/energy_uj must be readable")
    assert refusal.endswith(REMEDY)
