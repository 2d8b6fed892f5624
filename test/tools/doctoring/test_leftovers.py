# SPDX-License-Identifier: Apache-2.0
"""A clock whose owner was killed is found, and given back on demand alone."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from coinfer_ros import backends
from coinfer_ros.adapters.devices.clocks.owned_clock import OwnedClock
from coinfer_ros.tools.doctoring import leftovers
from coinfer_ros.tools.doctoring.finding import Finding, Status

from ...adapters.devices import clock_trees as trees
from ...adapters.devices.fake_nvml import FakeNvml

GPU = "devfreq-17000000.gpu"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    trees.orin_gpu(tmp_path)
    return trees.desktop_acpi(tmp_path)


def _look(root: Path) -> list[Finding]:
    return list(leftovers.check(root, root / "state").look())


def _restore(root: Path) -> list[Finding]:
    return list(leftovers.restoration(root, root / "state").look())


@contextlib.contextmanager
def _owner(root: Path, source: str, clock_hz: float) -> Iterator[int]:
    """Have a process that has set a clock until it is killed."""
    said, says = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            asked = backends.Asked(backend="none", root=str(root))
            clock = OwnedClock(backends.driver(source, asked), root / "state", root=root)
            clock.request_hz(clock_hz)
            os.write(says, b"1")
            signal.pause()
        finally:
            os._exit(1)
    os.close(says)
    try:
        assert os.read(said, 1) == b"1"
        yield pid
    finally:
        os.close(said)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_where_nothing_was_set_nothing_is_left(root: Path) -> None:
    for (found,) in (_look(root), _restore(root)):
        assert found.status is Status.GOOD
        assert f"{root / 'state'} is not there" in found.detail
    assert not (root / "state").exists()


def test_what_killed_owners_left_is_told_and_given_back_when_asked(root: Path) -> None:
    before = trees.limits(root)
    with _owner(root, "devfreq", 510e6), _owner(root, "cpufreq", 2.2e9):
        pass
    left = trees.limits(root)
    assert left != before
    cpu, gpu = _look(root)
    assert (cpu.name, gpu.name) == ("cpufreq", GPU)
    assert (cpu.status, gpu.status) == (Status.LIMITED, Status.LIMITED)
    command = f"coinfer doctor --restore --state-dir {root / 'state'} --root {root}"
    assert gpu.remedy == command
    assert trees.limits(root) == left
    given = _restore(root)
    assert [(found.name, found.status) for found in given] == [
        ("cpufreq", Status.GOOD),
        (GPU, Status.GOOD),
    ]
    assert all("it is given back now" in found.detail for found in given)
    assert trees.limits(root) == before
    (nothing,) = _look(root)
    assert nothing.detail == f"every clock was given back: nothing is left in {root / 'state'}"


def test_the_clock_of_a_living_owner_is_let_alone(root: Path) -> None:
    with _owner(root, "devfreq", 510e6) as pid:
        held = trees.limits(root)
        for (found,) in (_look(root), _restore(root)):
            assert found.status is Status.GOOD
            assert found.detail.startswith(f"set by process {pid} (")
        assert trees.limits(root) == held


def test_a_device_that_is_gone_is_a_fault_and_stays_noted(root: Path) -> None:
    with _owner(root, "devfreq", 510e6):
        pass
    (root / trees.GPU / "cur_freq").unlink()
    (found,) = _restore(root)
    assert (found.name, found.status) == (GPU, Status.FAULT)
    assert "must have a GPU named" in found.detail
    assert [one.name for one in _look(root)] == [GPU]


@pytest.mark.parametrize("name", ["", "../x", "unknown-device", "nvml-GPU-gone"])
def test_a_file_of_no_clock_of_this_machine_is_a_fault(root: Path, name: str) -> None:
    file = root / "state" / f"{name.replace('/', '')}.former.json"
    file.parent.mkdir()
    file.write_text("{}")
    (found,) = _restore(root)
    assert found.status is Status.FAULT
    assert file.read_text() == "{}"


def test_a_gpu_s_lock_ends(tmp_path: Path) -> None:
    trees.write(tmp_path, trees.BOOT_ID, "boot")
    with FakeNvml(tmp_path, gpus=2) as nvml:
        with _owner(tmp_path, "nvml", 1.2e9):
            assert nvml.gpu().locked_mhz == 1200
        assert nvml.gpu().locked_mhz == 1200
        (found,) = _restore(tmp_path)
        assert found.status is Status.GOOD
        assert nvml.gpu().locked_mhz == 0
