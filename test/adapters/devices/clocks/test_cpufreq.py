# SPDX-License-Identifier: Apache-2.0
"""All CPU policies are set together, each to its own steps, and given back as they were."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from coinfer_ros.adapters.devices.clocks.cpufreq import CpufreqClock
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable, Unsupported

from .. import clock_trees as trees

LITTLE, BIG = (f"{trees.POLICIES}/policy{number}" for number in (0, 4))


def _pinned(root: Path, policy: str) -> tuple[str, str]:
    found = trees.limits(root)
    return found[f"{policy}/scaling_min_freq"], found[f"{policy}/scaling_max_freq"]


def test_a_listed_table_is_offered_rising_however_it_is_listed(tmp_path) -> None:
    clock = CpufreqClock(trees.desktop_acpi(tmp_path))
    assert clock.steps_hz == (2.2e9, 3.2e9, 3.7e9)
    assert clock.default_hz == 3.7e9


def test_without_a_table_every_100_mhz_and_both_ends_are_offered(tmp_path) -> None:
    clock = CpufreqClock(trees.desktop_intel(tmp_path))
    assert clock.steps_hz == (*(n * 100e6 for n in range(12, 34)), 3.35e9)


def test_entries_that_are_no_frequencies_are_counted(tmp_path) -> None:
    trees.policy(
        tmp_path, 0, "0", 1_200_000, 3_700_000, scaling_available_frequencies="3700000 ? 1200000"
    )
    clock = CpufreqClock(tmp_path)
    assert clock.steps_hz == (1.2e9, 3.7e9)
    assert clock.faults.counts == {"table entry is no frequency": 1}


def test_each_policy_goes_to_its_own_nearest_step_and_back(tmp_path) -> None:
    trees.jetson_big_little(tmp_path)
    clock, before = CpufreqClock(tmp_path), trees.limits(tmp_path)
    assert clock.steps_hz[-3:] == (1.9584e9, 1.984e9, 2.0352e9)
    former = clock.former()
    for step_hz, little, big in (
        (2.0352e9, "1984000", "2035200"),
        (1.2672e9, "1267200", "1113600"),
        (1.4208e9, "1420800", "1420800"),
    ):
        clock.set_hz(step_hz)
        assert _pinned(tmp_path, LITTLE) == (little, little)
        assert _pinned(tmp_path, BIG) == (big, big)
    clock.restore(former)
    clock.restore(former)
    assert trees.limits(tmp_path) == before


def test_no_policy_passes_its_limit_or_that_of_the_power_mode(tmp_path) -> None:
    trees.jetson_big_little(tmp_path)
    trees.write(tmp_path, f"{BIG}/scaling_max_freq", 1_728_000)
    assert CpufreqClock(tmp_path).default_hz == 1.984e9
    trees.set_mode(tmp_path, 0)
    clock = CpufreqClock(tmp_path)
    assert (clock.steps_hz[0], clock.default_hz) == (729.6e6, 1.4976e9)
    clock.set_hz(1.4976e9)
    assert _pinned(tmp_path, LITTLE) == ("1497600",) * 2
    assert _pinned(tmp_path, BIG) == ("1420800",) * 2
    trees.set_mode(tmp_path, 1)
    with pytest.raises(Unavailable, match=r"must stay within 1.344e\+09 Hz"):
        clock.set_hz(1.4976e9)
    assert _pinned(tmp_path, LITTLE) == ("1497600",) * 2


def test_a_limit_below_the_table_leaves_nothing_to_set(tmp_path) -> None:
    trees.desktop_acpi(tmp_path)
    trees.write(tmp_path, f"{LITTLE}/scaling_max_freq", 1_000_000)
    with pytest.raises(Unsupported, match="must have a step within its limits"):
        CpufreqClock(tmp_path)


def test_what_is_given_back_fits_the_power_mode_that_is_set_then(tmp_path) -> None:
    trees.jetson_big_little(tmp_path)
    trees.set_mode(tmp_path, 2)
    clock = CpufreqClock(tmp_path)
    former = clock.former()
    clock.set_hz(1.728e9)
    trees.set_mode(tmp_path, 1)
    shutil.rmtree(tmp_path / LITTLE)  # as a mode that turns its cores off leaves nothing to read
    clock.restore(former)
    assert _pinned(tmp_path, BIG) == ("1113600", "1344000")


def test_one_policy_that_may_not_be_written_leaves_all_as_they_were() -> None:
    with trees.open_folder() as root:
        trees.desktop_acpi(root)
        clock, before = CpufreqClock(root), trees.limits(root)
        refusing = root / f"{trees.POLICIES}/policy1/scaling_max_freq"
        refusing.chmod(0o444)
        user, watched = trees.as_ordinary_user(root), trees.watched(root)
        with user, watched as seen, pytest.raises(NotPermitted) as refused:
            clock.set_hz(3.2e9)
        assert str(refused.value) == f"{refusing} must be writable by this user; {REMEDY}"
        assert any(state[f"{LITTLE}/scaling_max_freq"] == "3200000" for state in seen)
        assert trees.limits(root) == before


def test_restore_tries_every_policy_before_it_says_what_failed(tmp_path) -> None:
    trees.jetson_big_little(tmp_path)
    clock = CpufreqClock(tmp_path)
    former = clock.former()
    clock.set_hz(1.4208e9)
    shutil.rmtree(tmp_path / LITTLE)
    with pytest.raises(Unavailable, match="policy0"):
        clock.restore(former)
    assert _pinned(tmp_path, BIG) == ("1113600", "2035200")


@pytest.mark.parametrize("name", ["../../../etc", "policy", "policy0x", "policy0/../x"])
def test_a_former_state_names_no_path_of_its_own(tmp_path, name: str) -> None:
    trees.desktop_acpi(tmp_path)
    clock = CpufreqClock(tmp_path)
    with pytest.raises(InvalidInput, match="former state"):
        clock.restore({f"{name}/min_freq": "2200000", f"{name}/max_freq": "2200000"})


@pytest.mark.parametrize("step_hz", [2.3e9, 0.0, -1.0, math.nan, math.inf])
def test_what_is_no_step_is_refused_and_not_written(tmp_path, step_hz: float) -> None:
    trees.desktop_acpi(tmp_path)
    clock, before = CpufreqClock(tmp_path), trees.limits(tmp_path)
    with pytest.raises(InvalidInput, match="step_hz must be one of"):
        clock.set_hz(step_hz)
    assert trees.limits(tmp_path) == before


def test_the_clock_read_is_the_mean_over_cores_that_answer(tmp_path) -> None:
    trees.jetson_big_little(tmp_path)
    clock = CpufreqClock(tmp_path)
    trees.write(tmp_path, f"{LITTLE}/scaling_cur_freq", 1_200_000)
    trees.write(tmp_path, f"{BIG}/scaling_cur_freq", 1_800_000)
    assert clock.read().hz == pytest.approx((4 * 1.2e9 + 2 * 1.8e9) / 6, rel=1e-12)
    trees.write(tmp_path, f"{BIG}/scaling_cur_freq", "<unknown>")
    assert clock.read().hz == 1.2e9
    shutil.rmtree(tmp_path / LITTLE)
    assert math.isnan(clock.read().hz)
    assert clock.faults.counts == {
        "scaling_cur_freq is no number": 2,
        "policy does not answer": 1,
    }
    shutil.rmtree(tmp_path / BIG)
    with pytest.raises(Unavailable, match="No such file"):
        clock.read()


def test_a_policy_whose_cores_are_off_is_left_alone(tmp_path) -> None:
    trees.jetson_big_little(tmp_path)
    # What the kernel does not answer for is a folder here: it too can be opened by nobody.
    (tmp_path / BIG / "affected_cpus").unlink()
    (tmp_path / BIG / "affected_cpus").mkdir()
    clock = CpufreqClock(tmp_path)
    assert clock.default_hz == 1.984e9
    clock.set_hz(1.2672e9)
    assert _pinned(tmp_path, BIG) == ("1113600", "2035200")


def test_a_machine_whose_kernel_scales_nothing_is_unavailable(tmp_path) -> None:
    with pytest.raises(Unavailable, match="must have a policy of a core that is on"):
        CpufreqClock(tmp_path)


def test_intel_cores_say_when_heat_has_slowed_them_since_the_last_look(tmp_path) -> None:
    trees.desktop_intel(tmp_path)
    clock = CpufreqClock(tmp_path)
    assert clock.read().throttle == ""
    for core in (0, 1):
        counts = f"{trees.CPUS}/cpu{core}/thermal_throttle"
        trees.write(tmp_path, f"{counts}/package_throttle_count", 12)
    trees.write(tmp_path, f"{trees.CPUS}/cpu1/thermal_throttle/core_throttle_count", 8)
    assert clock.read().throttle == (
        "heat (core_throttle_count rose by 1), heat (package_throttle_count rose by 5)"
    )
    assert clock.read().throttle == ""


@pytest.mark.parametrize("kind", ["cpufreq-cpu0", "thermal-cpufreq-0", "Processor"])
def test_limits_that_heat_hides_are_not_taken_for_the_former_ones(tmp_path, kind: str) -> None:
    trees.desktop_acpi(tmp_path)
    trees.cooling(tmp_path, kind, 1)
    clock = CpufreqClock(tmp_path)
    assert clock.read().throttle == f"heat ({kind} at step 1)"
    with pytest.raises(Unavailable, match="heat hides them now"):
        clock.former()
