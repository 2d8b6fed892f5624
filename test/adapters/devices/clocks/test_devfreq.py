# SPDX-License-Identifier: Apache-2.0
"""A Jetson's GPU is set to its own steps, under its limits, and given back as it was."""

from __future__ import annotations

import itertools
import math
import re
import shutil
from pathlib import Path

import pytest

from coinfer_ros.adapters.devices.clocks.devfreq import GPUS, DevfreqClock
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable, Unsupported

from .. import clock_trees as trees

MIN, MAX, CURRENT = (f"{trees.GPU}/{name}_freq" for name in ("min", "max", "cur"))
STEPS_HZ = tuple(map(float, trees.ORIN_GPU_HZ))


@pytest.fixture
def orin(tmp_path: Path) -> Path:
    return trees.orin_gpu(tmp_path)


def _pinned(root: Path) -> tuple[str, str]:
    found = trees.limits(root)
    return found[MIN], found[MAX]


@pytest.mark.parametrize("name", GPUS)
def test_the_gpu_of_every_generation_is_found_by_its_name(tmp_path, name: str) -> None:
    trees.orin_gpu(tmp_path, folder=f"sys/class/devfreq/{name}")
    trees.write(tmp_path, "sys/class/devfreq/17000000.emc/cur_freq", 3_199_000_000)
    clock = DevfreqClock(tmp_path)
    assert clock.device == f"devfreq-{name}"
    assert clock.steps_hz == STEPS_HZ


@pytest.mark.parametrize("name", ["", "13e40000.host1x", "../../class", ".."])
def test_a_device_that_is_not_there_is_named(tmp_path, name: str) -> None:
    with pytest.raises(Unavailable, match="must have a GPU named"):
        DevfreqClock(tmp_path, name)


def test_a_table_may_fall_repeat_and_hold_what_is_no_frequency(tmp_path) -> None:
    trees.orin_gpu(tmp_path, table="918000000 x 306000000 -1 0 306000000 1e9 ٣٠٦")
    clock = DevfreqClock(tmp_path)
    assert clock.steps_hz == (306e6, 918e6)
    assert clock.faults.counts == {"table entry is no frequency": 5}


@pytest.mark.parametrize("table", ["", "none", "0"])
def test_a_device_without_a_table_cannot_be_set(tmp_path, table: str) -> None:
    trees.orin_gpu(tmp_path, table=table)
    with pytest.raises(Unsupported, match="available_frequencies must list frequencies"):
        DevfreqClock(tmp_path)


def test_steps_end_where_the_greatest_or_the_power_mode_ends(orin: Path) -> None:
    trees.write(orin, MAX, 815_999_999)
    assert DevfreqClock(orin).default_hz == 714e6
    trees.set_mode(orin, 0)
    assert DevfreqClock(orin).steps_hz == STEPS_HZ[:4]
    trees.set_mode(orin, 2)
    assert DevfreqClock(orin).default_hz == 714e6


def test_a_limit_below_the_whole_table_leaves_nothing_to_set(orin: Path) -> None:
    trees.write(orin, MAX, 100_000_000)
    with pytest.raises(Unsupported, match="max_freq must allow one of"):
        DevfreqClock(orin)


def test_the_least_is_never_above_the_greatest_and_no_step_is_passed_over(orin: Path) -> None:
    """Kernel 4.9 refuses a least above the greatest: each write must do by itself."""
    clock = DevfreqClock(orin)
    former = clock.former()
    for one, other in itertools.product(clock.steps_hz, repeat=2):
        clock.set_hz(one)
        with trees.watched(orin) as seen:
            clock.set_hz(other)
            assert _pinned(orin) == (f"{other:.0f}",) * 2
            clock.restore(former)
        assert len(seen) == 5
        assert all(int(state[MIN]) <= int(state[MAX]) for state in seen)
    assert _pinned(orin) == ("306000000", "918000000")
    assert trees.limits(orin)[f"{trees.GPU}/governor"] == "nvhost_podgov"


@pytest.mark.parametrize("step_hz", [307e6, 0.0, -306e6, math.nan, math.inf])
def test_what_is_no_step_is_refused_and_not_written(orin: Path, step_hz: float) -> None:
    clock, before = DevfreqClock(orin), trees.limits(orin)
    with pytest.raises(InvalidInput, match="step_hz must be one of"):
        clock.set_hz(step_hz)
    assert trees.limits(orin) == before


def test_a_step_above_a_power_mode_that_came_later_is_refused(orin: Path) -> None:
    trees.set_mode(orin, 2)
    clock, before = DevfreqClock(orin), trees.limits(orin)
    trees.set_mode(orin, 0)
    with pytest.raises(Unavailable, match=r"must stay within 6.12e\+08 Hz"):
        clock.set_hz(918e6)
    assert trees.limits(orin) == before


@pytest.mark.parametrize(
    ("number", "limits"), [(1, ("306000000", "714000000")), (0, ("306000000", "612000000"))]
)
def test_what_is_given_back_fits_the_power_mode_that_is_set_then(
    orin: Path, number: int, limits: tuple[str, str]
) -> None:
    trees.set_mode(orin, 1)
    trees.write(orin, MAX, 714_000_000)
    clock = DevfreqClock(orin)
    former = clock.former()
    clock.set_hz(408e6)
    trees.set_mode(orin, number)
    clock.restore(former)
    assert _pinned(orin) == limits
    assert clock.default_hz == float(limits[1])


def test_a_second_write_that_is_not_permitted_undoes_the_first() -> None:
    with trees.open_folder() as root:
        trees.orin_gpu(root)
        clock = DevfreqClock(root)
        clock.set_hz(408e6)
        before = trees.limits(root)
        (root / MIN).chmod(0o444)
        with trees.as_ordinary_user(root):
            # Upwards the greatest is written first.
            with trees.watched(root) as seen, pytest.raises(NotPermitted) as refused:
                clock.set_hz(816e6)
            assert str(refused.value) == f"{root / MIN} must be writable by this user; {REMEDY}"
        assert seen[1][MAX] == "816000000"
        assert trees.limits(root) == before


def test_a_value_that_the_driver_refuses_undoes_what_was_written(orin: Path) -> None:
    clock = DevfreqClock(orin)
    trees.write(orin, MAX, 306_000_000)
    # A file of the kernel that answers EINVAL to every frequency, and shows a number.
    (orin / MIN).unlink()
    (orin / MIN).symlink_to("/proc/self/oom_score_adj")
    with trees.watched(orin) as seen, pytest.raises(Unavailable, match="Invalid argument"):
        clock.set_hz(510e6)
    assert seen[1][MAX] == "510000000"
    assert (orin / MAX).read_text().strip() == "306000000"


@pytest.mark.parametrize(
    ("shown", "refusal"),
    [
        ((MAX, 918_000_000), "max_freq must take 5.1e+08 Hz, holds 9.18e+08 Hz"),
        ((MIN, 306_000_000), "min_freq must take 5.1e+08 Hz, holds 3.06e+08 Hz"),
    ],
)
def test_a_kernel_that_does_not_take_a_limit_is_noticed(orin: Path, shown, refusal: str) -> None:
    clock, before = DevfreqClock(orin), trees.limits(orin)
    kernel = trees.kernel(orin, lambda: trees.write(orin, *shown))
    with kernel, pytest.raises(Unavailable, match=re.escape(refusal)):
        clock.set_hz(510e6)
    assert trees.limits(orin) == before


def test_a_step_that_heat_holds_lower_is_set_all_the_same(orin: Path) -> None:
    clock = DevfreqClock(orin)

    def cool() -> None:
        for name in (MIN, MAX):
            trees.write(orin, name, min(408_000_000, int((orin / name).read_text())))

    with trees.kernel(orin, cool):
        clock.set_hz(816e6)
        assert _pinned(orin) == ("408000000",) * 2


def test_restore_tries_both_files_before_it_says_what_failed(orin: Path) -> None:
    clock = DevfreqClock(orin)
    former = clock.former()
    clock.set_hz(510e6)
    (orin / MIN).unlink()
    with pytest.raises(Unavailable, match="min_freq must take '306000000'"):
        clock.restore(former)
    assert (orin / MAX).read_text().strip() == "918000000"


@pytest.mark.parametrize(
    "former",
    [
        {},
        {"min_freq": "306000000"},
        {"min_freq": "306000000", "max_freq": "../x"},
        {"min_freq": "306000000", "max_freq": "-1"},
        {"min_freq": "306000000", "max_freq": "9" * 30},
    ],
)
def test_a_former_state_that_is_none_is_refused_and_not_written(orin: Path, former) -> None:
    clock, before = DevfreqClock(orin), trees.limits(orin)
    with pytest.raises(InvalidInput, match="of a former state must be a whole number"):
        clock.restore(former)
    assert trees.limits(orin) == before


def test_limits_that_heat_hides_are_not_taken_for_the_former_ones(orin: Path) -> None:
    trees.cooling(orin, "devfreq-17000000.gpu", 2)
    clock = DevfreqClock(orin)
    with pytest.raises(Unavailable, match=r"heat hides them now \(devfreq-17000000.gpu at step 2"):
        clock.former()
    trees.cooling(orin, "devfreq-17000000.gpu", 0)
    assert clock.former() == {"min_freq": "306000000", "max_freq": "918000000", "power_mode": ""}


def test_heat_and_current_are_said_while_they_slow_the_clock(orin: Path) -> None:
    trees.cooling(orin, "devfreq-17000000.gpu", 0)
    trees.cooling(orin, "gpu-throttle-alert", 0, number=1)
    trees.cooling(orin, "cpufreq-cpu0", 3, number=2)
    count = "sys/class/hwmon/hwmon3/oc3_event_cnt"
    trees.write(orin, count, 27)
    clock = DevfreqClock(orin)
    assert clock.read().throttle == ""
    trees.cooling(orin, "devfreq-17000000.gpu", 2)
    trees.cooling(orin, "gpu-throttle-alert", 1, number=1)
    trees.write(orin, count, 31)
    assert clock.read().throttle == (
        "heat (devfreq-17000000.gpu at step 2, gpu-throttle-alert at step 1), "
        "current (oc3_event_cnt rose by 4)"
    )
    trees.cooling(orin, "devfreq-17000000.gpu", 0)
    trees.cooling(orin, "gpu-throttle-alert", 0, number=1)
    assert clock.read().throttle == ""


@pytest.mark.parametrize(("text", "faults"), [("0", 0), ("<unknown>", 1), ("", 1)])
def test_a_clock_that_is_off_or_unknown_is_nan(orin: Path, text: str, faults: int) -> None:
    clock = DevfreqClock(orin)
    assert clock.read().hz == 306e6
    trees.write(orin, CURRENT, text)
    assert math.isnan(clock.read().hz)
    assert clock.faults.total == faults


def test_a_device_that_disappears_between_two_readings_is_unavailable(orin: Path) -> None:
    clock = DevfreqClock(orin)
    clock.read()
    shutil.rmtree(orin / trees.GPU)
    for act in (clock.read, clock.former, lambda: clock.set_hz(306e6)):
        with pytest.raises(Unavailable, match="No such file"):
            act()
