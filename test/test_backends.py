# SPDX-License-Identifier: Apache-2.0
"""A machine is put together of what is here and permitted, and says what is not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from coinfer_ros import backends
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable

from .adapters.devices import clock_trees, trees
from .adapters.devices.fake_nvml import FakeNvml

NO_PERMISSION = 4  # nvml.h
BOARD = Board("b", Processor(2e9, 10, 1.0, 1e-28), (1e9, 2e9), 2e9, 3.0, 0.0, 0.001, 1e-3)


def machine(tmp_path: Path, **asked):
    of = backends.Asked(**{"backend": "cpu", "root": str(tmp_path), **asked})
    return backends.machine(of, BOARD, role="edge", owner_folder=tmp_path / "state")


def test_a_processor_with_its_counter_and_its_clock(tmp_path):
    trees.rapl_amd(tmp_path)
    clock_trees.desktop_acpi(tmp_path)
    found = machine(tmp_path)
    assert (found.meter.info.source, found.simulated, found.note) == ("rapl", False, "")
    assert found.clock.steps_hz
    found.close()


def test_what_may_not_be_read_or_set_is_left_out_and_noted():
    with clock_trees.open_folder() as root:
        trees.rapl_amd(root)
        clock_trees.desktop_acpi(root)
        for counter in root.glob("sys/devices/virtual/powercap/**/energy_uj"):
            counter.chmod(0o000)
        for limit in root.glob("sys/devices/system/cpu/cpufreq/policy*/scaling_m*_freq"):
            limit.chmod(0o444)
        with clock_trees.as_ordinary_user(root):
            found = machine(root)
            assert math.isnan(found.meter.read().power_w)
            with pytest.raises(NotPermitted):
                found.clock.request_hz(2e9)
            assert not math.isnan(found.clock.achieved().hz)
            assert "energy_uj must be readable" in found.note
            assert "permit.sh" in found.note
            found.close()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, r"device.meter rapl \(of device.backend cpu\): .* without it: device.meter: none"),
        ({"meter": "none"}, r"device.clock cpufreq .* to go without it: device.clock: none"),
        ({"meter": "battery"}, r"^device.meter battery: a battery"),
    ],
)
def test_what_is_not_here_is_named_by_its_setting_with_the_way_without(tmp_path, asked, says):
    with pytest.raises(Unavailable, match=says):
        machine(tmp_path, **asked)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"root": "/nowhere"}, "device.root must be a folder, got '/nowhere'"),
        ({"meter": "replay", "clock": "none"}, "device.trace must be a file"),
        ({"backend": "simulated", "meter": "rapl"}, "device.meter must be auto where"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(tmp_path, asked, says):
    with pytest.raises(InvalidInput, match=says):
        machine(tmp_path, **asked)


def test_a_clock_that_may_not_even_be_read_is_left_out_and_noted(tmp_path):
    with FakeNvml(tmp_path) as nvml:
        nvml.world.init_error = NO_PERMISSION
        of = backends.Asked("nvml", root=str(tmp_path))
        found = backends.machine(of, BOARD, role="edge", owner_folder=tmp_path / "state")
        assert found.meter.info.source == "none"
        assert not found.clock.steps_hz
        assert found.note.count("permit.sh") == 2
        found.close()
