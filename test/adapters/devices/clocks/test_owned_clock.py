# SPDX-License-Identifier: Apache-2.0
"""A clock that is owned is snapped to its steps, given back, and never left to another's mercy."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from pathlib import Path

import pytest

from coinfer_ros.adapters.devices.clocks.cpufreq import CpufreqClock
from coinfer_ros.adapters.devices.clocks.devfreq import DevfreqClock
from coinfer_ros.adapters.devices.clocks.former_state import FormerState
from coinfer_ros.adapters.devices.clocks.owned_clock import Leftover, OwnedClock, restore_all
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable

from .. import clock_trees as trees

MIN, MAX = (f"{trees.GPU}/{name}_freq" for name in ("min", "max"))
DEVICE = "devfreq-17000000.gpu"


@pytest.fixture
def orin(tmp_path: Path) -> Path:
    return trees.orin_gpu(tmp_path)


def _own(root: Path) -> OwnedClock:
    return OwnedClock(DevfreqClock(root), root / "state", root=root)


def _files(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "state").iterdir())


def _leave(root: Path) -> None:
    """Leave the GPU's clock as an owner does that is killed."""
    pid = os.fork()
    if pid == 0:
        _own(root).request_hz(408e6)
        os._exit(0)
    os.waitpid(pid, 0)
    assert trees.limits(root)[MAX] == "408000000"


@pytest.mark.parametrize(
    ("asked_hz", "step_hz"),
    [(1.0, 306e6), (356e6, 306e6), (358e6, 408e6), (510e6, 510e6), (1e12, 918e6)],
)
def test_a_request_goes_to_the_nearest_step(orin: Path, asked_hz: float, step_hz: float) -> None:
    with _own(orin) as clock:
        assert clock.request_hz(asked_hz) == step_hz
        assert trees.limits(orin)[MIN] == trees.limits(orin)[MAX] == f"{step_hz:.0f}"


@pytest.mark.parametrize("asked_hz", [math.nan, math.inf, 0.0, -306e6, "fast", True])
def test_a_request_that_is_no_frequency_changes_nothing(orin: Path, asked_hz) -> None:
    before = trees.limits(orin)
    with _own(orin) as clock, pytest.raises(InvalidInput, match="clock_hz must be"):
        clock.request_hz(asked_hz)
    assert trees.limits(orin) == before
    assert _files(orin) == [f"{DEVICE}.lock"]


def test_release_gives_back_and_goes_on_owning(orin: Path) -> None:
    before = trees.limits(orin)
    clock = _own(orin)
    assert clock.restored == ""
    for _ in range(2):
        clock.request_hz(408e6)
        clock.request_hz(816e6)
        assert f"{DEVICE}.former.json" in _files(orin)
        clock.release()
        clock.release()
        assert trees.limits(orin) == before
        assert _files(orin) == [f"{DEVICE}.lock"]
    with pytest.raises(Unavailable, match=f"must have one owner, and process {os.getpid()} "):
        _own(orin)
    clock.close()
    clock.close()
    with pytest.raises(Unavailable, match="must be open in this process to be set"):
        clock.request_hz(408e6)
    _own(orin).close()


def test_after_release_the_steps_are_those_of_the_power_mode_set_meanwhile(orin: Path) -> None:
    trees.set_mode(orin, 1)
    with _own(orin) as clock:
        clock.request_hz(408e6)
        trees.set_mode(orin, 0)
        clock.release()
        assert clock.default_hz == clock.request_hz(918e6) == 612e6


def test_an_error_in_the_block_gives_the_clock_back_too(orin: Path) -> None:
    before = trees.limits(orin)
    with contextlib.suppress(ZeroDivisionError), _own(orin) as clock:
        clock.request_hz(408e6)
        raise ZeroDivisionError
    assert trees.limits(orin) == before


def test_the_former_state_is_on_disk_before_anything_is_written(orin: Path) -> None:
    driver, state = DevfreqClock(orin), FormerState(orin / "state", DEVICE, orin)
    found = []
    with OwnedClock(driver, orin / "state", root=orin) as clock:
        former = driver.former()
        with trees.opened_for_writing(orin / "sys", lambda: found.append(state.load())):
            clock.request_hz(816e6)
    assert [one and one.values for one in found] == [former, former]


def test_a_killed_owners_clock_is_given_back_with_a_word(orin: Path) -> None:
    before = trees.limits(orin)
    _leave(orin)
    assert DevfreqClock(orin).default_hz == 408e6
    clock = _own(orin)
    assert clock.restored.endswith(
        f"ended without giving back the clock of {DEVICE}; it is given back now: "
        "min_freq 306000000, max_freq 918000000"
    )
    assert trees.limits(orin) == before
    assert clock.default_hz == clock.steps_hz[-1] == 918e6
    assert _files(orin) == [f"{DEVICE}.lock"]
    clock.close()


def test_what_a_boot_has_undone_already_is_not_written_back(orin: Path) -> None:
    _leave(orin)
    trees.write(orin, trees.BOOT_ID, "another")
    with trees.watched(orin / "sys") as seen, _own(orin) as clock:
        assert "before the last boot is removed" in clock.restored
    assert len(seen) == 1
    assert _files(orin) == [f"{DEVICE}.lock"]


@pytest.mark.parametrize("text", ["{", '{"min_freq": "1"}'])
def test_what_is_damaged_is_reported_and_not_followed(orin: Path, text: str) -> None:
    _leave(orin)
    path = orin / f"state/{DEVICE}.former.json"
    path.write_text(text)
    with trees.watched(orin / "sys") as seen, _own(orin) as clock:
        assert clock.restored.startswith("a damaged file was set aside")
    assert len(seen) == 1
    assert _files(orin) == [f"{path.name}.damaged", f"{DEVICE}.lock"]


def test_values_that_the_driver_does_not_know_are_set_aside_too(orin: Path) -> None:
    (orin / "state").mkdir()
    FormerState(orin / "state", DEVICE, orin).save({"min_freq": "all", "max_freq": "918000000"})
    with _own(orin) as clock:
        assert "min_freq of a former state must be a whole number" in clock.restored
    assert f"{DEVICE}.former.json.damaged" in _files(orin)


def test_what_cannot_be_given_back_stays_for_the_next_one_who_opens(orin: Path) -> None:
    before = trees.limits(orin)
    clock = _own(orin)
    clock.request_hz(408e6)
    (orin / MAX).rename(orin / "elsewhere")
    with pytest.raises(Unavailable, match="max_freq must"):
        clock.close()
    assert trees.limits(orin)[MIN] == "306000000"
    clock.close()
    assert _files(orin) == [f"{DEVICE}.former.json", f"{DEVICE}.lock"]
    (orin / "elsewhere").rename(orin / MAX)
    with _own(orin) as clock:
        assert clock.restored
    assert trees.limits(orin) == before


def test_a_recovery_that_fails_lets_the_clock_go_and_is_tried_again(orin: Path) -> None:
    before = trees.limits(orin)
    _leave(orin)
    driver = DevfreqClock(orin)
    shutil.copytree(orin / trees.GPU, orin / "elsewhere")
    shutil.rmtree(orin / trees.GPU)
    for _ in range(2):
        with pytest.raises(Unavailable, match="must take"):
            OwnedClock(driver, orin / "state", root=orin)
    shutil.copytree(orin / "elsewhere", orin / trees.GPU)
    OwnedClock(driver, orin / "state", root=orin).close()
    assert trees.limits(orin) == before


def test_without_permission_for_the_folder_nothing_is_written_to_the_hardware() -> None:
    with trees.open_folder() as root:
        trees.orin_gpu(root)
        (root / "state").mkdir()
        with trees.as_ordinary_user(root):
            (root / "state").chmod(0o555)
            with trees.watched(root / "sys") as seen, pytest.raises(NotPermitted) as refused:
                _own(root)
            (root / "state").chmod(0o755)
            clock = _own(root)
            (root / "state").chmod(0o555)
            with trees.watched(root / "sys") as seen_then, pytest.raises(NotPermitted):
                clock.request_hz(408e6)
            clock.close()
        assert str(refused.value).endswith(f"must be writable by this user; {REMEDY}")
        assert len(seen) == len(seen_then) == 1


def test_who_may_not_set_the_clock_leaves_nothing_to_give_back() -> None:
    with trees.open_folder() as root:
        trees.orin_gpu(root)
        for name in (MIN, MAX):
            (root / name).chmod(0o444)
        with trees.as_ordinary_user(root):
            for _ in range(2):
                with _own(root) as clock, pytest.raises(NotPermitted, match="run once: sudo"):
                    clock.request_hz(408e6)
                assert _files(root) == [f"{DEVICE}.lock"]


def test_who_loses_permission_leaves_the_former_state_for_who_has_it() -> None:
    with trees.open_folder() as root:
        trees.orin_gpu(root)
        before = trees.limits(root)
        with trees.as_ordinary_user(root):
            clock = _own(root)
            clock.request_hz(408e6)
            (root / MAX).chmod(0o444)
            with pytest.raises(NotPermitted, match="max_freq must be writable"):
                clock.close()
            with pytest.raises(NotPermitted, match="max_freq must be writable"):
                _own(root)
            (root / MAX).chmod(0o644)
            _own(root).close()
        assert trees.limits(root) == before


def test_a_child_of_the_owner_neither_sets_nor_gives_back(orin: Path) -> None:
    clock = _own(orin)
    clock.request_hz(408e6)
    pid = os.fork()
    if pid == 0:
        try:
            clock.request_hz(510e6)
        except Unavailable:
            clock.close()
            os._exit(0)
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0
    assert trees.limits(orin)[MAX] == "408000000"
    assert f"{DEVICE}.former.json" in _files(orin)
    clock.close()


def test_what_is_achieved_is_the_drivers_reading(orin: Path) -> None:
    with _own(orin) as clock:
        assert clock.achieved().hz == 306e6


def test_all_that_killed_owners_left_is_given_back_and_reported(tmp_path) -> None:
    trees.orin_gpu(tmp_path)
    trees.jetson_big_little(tmp_path)
    before = trees.limits(tmp_path)
    folder = tmp_path / "state"
    _leave(tmp_path)
    FormerState(folder, "nvml-GPU-6f1c", tmp_path).save({"locked_clocks": "reset"})
    owner = OwnedClock(CpufreqClock(tmp_path), folder, root=tmp_path)
    owner.request_hz(1.4208e9)
    drivers = (DevfreqClock(tmp_path), CpufreqClock(tmp_path))
    cpu, gpu, other = restore_all(folder, drivers, root=tmp_path)
    assert (cpu.device, cpu.settled) == ("cpufreq", False)
    assert f"process {os.getpid()} " in cpu.words
    assert (gpu.device, gpu.settled) == (DEVICE, True)
    assert "it is given back now" in gpu.words
    assert other == Leftover("nvml-GPU-6f1c", settled=False, words="no such device here")
    owner.close()
    assert trees.limits(tmp_path) == before
    assert restore_all(folder, drivers, root=tmp_path) == [other]
    assert restore_all(tmp_path / "none", drivers, root=tmp_path) == []
