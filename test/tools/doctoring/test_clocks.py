# SPDX-License-Identifier: Apache-2.0
"""A clock's steps, owner and who may set it are told without setting it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinfer_ros.adapters.devices.clocks.ownership import Ownership
from coinfer_ros.tools.doctoring import clocks, rights
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices import clock_trees as trees
from ...adapters.devices.fake_nvml import FakeNvml
from ...adapters.devices.trees import put

ADMINISTRATOR, NOBODY = f"CapEff:\t{1 << 21:016x}", f"CapEff:\t{0:016x}"
ORIN = "7 steps, 306 MHz to 918 MHz, by default 918 MHz, now 306 MHz"
H100 = "110 steps, 345 MHz to 1980 MHz, by default 1980 MHz, now 345 MHz"


@pytest.fixture
def root() -> Iterator[Path]:
    """Return a tree and be a user whom file modes bind."""
    with trees.open_folder() as folder:
        trees.orin_gpu(folder)
        trees.desktop_acpi(folder)
        (folder / "state").mkdir()
        with trees.as_ordinary_user(folder):
            yield folder


@pytest.fixture
def nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path) as fake:
        yield fake


def _found(root: Path, name: str) -> list[Finding]:
    (check,) = (one for one in clocks.checks(root, root / "state") if one.name == name)
    return list(check.look())


def _one(root: Path, name: str) -> Finding:
    (found,) = _found(root, name)
    return found


def _is(root: Path, status: str, users: str = "0 0 4294967295") -> None:
    put(root, {"proc/self/status": status, "proc/self/uid_map": users})


def test_clocks_that_this_user_may_set_are_good(root: Path) -> None:
    gpu, cpu = _one(root, "devfreq"), _one(root, "cpufreq")
    assert (gpu.status, cpu.status) == (Status.GOOD, Status.GOOD)
    assert gpu.detail == f"{ORIN}; this user may set it, nobody does now"
    assert cpu.detail.startswith(
        "3 steps, 2200 MHz to 3700 MHz, by default 3700 MHz, now 3700 MHz; "
    )


def test_nothing_is_written_to_find_out(root: Path) -> None:
    with trees.watched(root) as seen:
        for name in ("devfreq", "cpufreq", "nvpmodel"):
            _found(root, name)
    assert len(seen) == 1  # the state after all, and none before a write
    assert list((root / "state").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("devfreq", f"{trees.GPU}/min_freq"),
        ("devfreq", f"{trees.GPU}/max_freq"),
        ("cpufreq", f"{trees.POLICIES}/policy1/scaling_min_freq"),
        ("cpufreq", f"{trees.POLICIES}/policy0/scaling_max_freq"),
        ("devfreq", "state"),
    ],
)
def test_one_file_that_may_not_be_written_limits_the_clock(
    root: Path, name: str, file: str
) -> None:
    (root / file).chmod(0o555)
    found = _one(root, name)
    assert (found.status, found.remedy) == (Status.LIMITED, rights.PERMIT)
    assert found.detail.endswith(
        f"; can be read, not set by this user: {root / file} may not be written"
    )


def test_a_state_folder_that_is_not_there_must_be_possible_to_make(root: Path) -> None:
    (root / "state").rmdir()
    assert _one(root, "devfreq").status is Status.GOOD
    root.chmod(0o555)
    assert _one(root, "devfreq").status is Status.LIMITED


def test_the_owner_is_named_and_not_disturbed(root: Path) -> None:
    owned = Ownership(root / "state", "devfreq-17000000.gpu")
    found = _one(root, "devfreq")
    assert found.status is Status.GOOD
    assert f"; set by process {os.getpid()} (" in found.detail
    assert owned.held
    owned.release()
    assert _one(root, "devfreq").detail.endswith("nobody does now")


def test_the_power_mode_is_told_where_there_is_one(root: Path) -> None:
    assert _found(root, "nvpmodel") == []
    trees.set_mode(root, 0)
    assert _one(root, "nvpmodel").detail == "power mode 0, 15W: GPU up to 612 MHz"
    assert "4 steps, 306 MHz to 612 MHz, by default 612 MHz" in _one(root, "devfreq").detail
    trees.set_mode(root, 99)
    assert _one(root, "nvpmodel").status is Status.LIMITED


@pytest.mark.parametrize("name", ["devfreq", "cpufreq"])
def test_a_machine_without_a_clock_misses_it(tmp_path: Path, name: str) -> None:
    assert _one(tmp_path, name).status is Status.MISSING


def test_a_device_without_a_table_cannot_be_set_by_anybody(tmp_path: Path) -> None:
    trees.orin_gpu(tmp_path, table="none")
    found = _one(tmp_path, "devfreq")
    assert (found.status, found.remedy) == (Status.LIMITED, "")


def test_a_gpu_is_set_by_whom_its_driver_takes_for_an_administrator(
    nvml: FakeNvml, tmp_path: Path
) -> None:
    _is(tmp_path, ADMINISTRATOR)
    found = _one(tmp_path, "nvml")
    assert (found.name, found.status) == ("nvml GPU 0", Status.GOOD)
    assert found.detail == f"{H100}; this user may set it, nobody does now"
    _is(tmp_path, NOBODY)
    found = _one(tmp_path, "nvml")
    assert found.status is Status.LIMITED
    service, container = f"{rights.PERMIT} --service edge --nvml", "docker run --cap-add SYS_ADMIN"
    assert found.remedy.startswith(service if os.geteuid() else container)
    _is(tmp_path, ADMINISTRATOR, users="0 100000 65536")
    assert _one(tmp_path, "nvml").status is Status.LIMITED
    assert not [name for name in nvml.calls() if "Set" in name or "Reset" in name]


def test_a_gpu_that_lists_no_clocks_cannot_be_set(nvml: FakeNvml, tmp_path: Path) -> None:
    nvml.change(steps=0)
    _is(tmp_path, ADMINISTRATOR)
    found = _one(tmp_path, "nvml")
    assert found.status is Status.LIMITED
    assert "lists no steps to set" in found.detail


def test_what_slows_a_gpu_is_told(nvml: FakeNvml, tmp_path: Path) -> None:
    nvml.change(reasons=0x40)
    assert "slowed by hardware thermal slowdown" in _one(tmp_path, "nvml").detail
