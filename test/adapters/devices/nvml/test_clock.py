# SPDX-License-Identifier: Apache-2.0
"""The clock of an NVIDIA GPU is locked, read and given back, also after the death of who did it."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pynvml
import pytest

from coinfer_ros.adapters.devices.nvml import NvmlClock
from coinfer_ros.adapters.devices.permission import NVML_REMEDY
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable, Unsupported
from coinfer_ros.core.ports import ClockDriver, ClockReading

from ..fake_nvml import FakeNvml

MHZ = 1e6
EVENT_REASONS = "nvmlDeviceGetCurrentClocksEventReasons"
RESET = "nvmlDeviceResetGpuLockedClocks"


@pytest.fixture
def nvml(tmp_path: Path) -> Iterator[FakeNvml]:
    with FakeNvml(tmp_path) as fake:
        yield fake


@pytest.fixture
def clock(nvml: FakeNvml) -> Iterator[NvmlClock]:
    assert nvml.gpu().locked_mhz == 0
    opened = NvmlClock()
    yield opened
    opened.close()


def killed(nvml: FakeNvml, program: str) -> None:
    """Run a program on the same GPUs until it is killed."""
    program = f"from coinfer_ros.adapters.devices.nvml import NvmlClock\n{program}"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=nvml.environment(), capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended


def test_it_is_a_driver_named_after_its_gpu(nvml: FakeNvml, clock: NvmlClock) -> None:
    driver: ClockDriver = clock
    assert driver.device == f"nvml-{nvml.gpu().uuid.decode()}"
    assert "/" not in driver.device


def test_its_steps_rise_and_are_those_of_the_highest_memory_clock(clock: NvmlClock) -> None:
    assert clock.steps_hz == tuple(mhz * MHZ for mhz in range(345, 1981, 15))


def test_its_default_is_the_boost_clock_or_else_the_greatest_step(nvml: FakeNvml) -> None:
    for boost_mhz, default_mhz in ((1755, 1755), (0, 1980)):
        nvml.gpu().boost_mhz = boost_mhz
        clock = NvmlClock()
        assert clock.default_hz == default_mhz * MHZ
        clock.close()


def test_a_step_that_is_set_is_achieved_and_costs_the_power_of_the_law(
    nvml: FakeNvml, clock: NvmlClock
) -> None:
    nvml.change(load=1.0)
    assert clock.read() == ClockReading(1980 * MHZ)
    clock.set_hz(1005 * MHZ)
    assert nvml.gpu().locked_mhz == 1005
    assert clock.read() == ClockReading(1005 * MHZ)
    clock.restore(clock.former())
    assert clock.read() == ClockReading(1980 * MHZ)


@pytest.mark.parametrize("step_hz", [1006 * MHZ, 0.0, -1.0, math.nan, math.inf, 1005.0])
def test_what_is_no_step_is_refused(nvml: FakeNvml, clock: NvmlClock, step_hz: float) -> None:
    with pytest.raises(
        InvalidInput, match=r"step_hz must be one of 110 steps in \[345, 1980\] MHz"
    ):
        clock.set_hz(step_hz)
    assert "nvmlDeviceSetGpuLockedClocks" not in nvml.calls()


def test_what_was_there_before_is_a_reset_because_nvml_tells_no_more(clock: NvmlClock) -> None:
    assert clock.former() == {"locked_clocks": "reset"}


def test_restoring_twice_is_restoring_once(nvml: FakeNvml, clock: NvmlClock) -> None:
    clock.set_hz(clock.steps_hz[0])
    for _ in range(2):
        clock.restore({"locked_clocks": "reset"})
        assert nvml.gpu().locked_mhz == 0


@pytest.mark.parametrize("former", [{}, {"locked_clocks": "1005"}, {"governor": "reset"}])
def test_a_former_state_that_is_none_of_its_own_is_refused(
    nvml: FakeNvml, clock: NvmlClock, former: dict[str, str]
) -> None:
    clock.set_hz(clock.steps_hz[0])
    with pytest.raises(InvalidInput, match="former must be"):
        clock.restore(former)
    assert nvml.gpu().locked_mhz == 345


def test_a_lock_outlives_who_set_it_and_another_process_ends_it(
    nvml: FakeNvml, clock: NvmlClock
) -> None:
    killed(
        nvml,
        "import os\nclock = NvmlClock()\nclock.set_hz(clock.steps_hz[1])\nos.kill(os.getpid(), 9)",
    )
    assert nvml.gpu().locked_mhz == 360
    clock.restore(clock.former())
    assert nvml.gpu().locked_mhz == 0


def test_who_is_killed_in_the_reset_leaves_the_lock(nvml: FakeNvml, clock: NvmlClock) -> None:
    nvml.die_in(1, of=RESET)
    clock.restore(clock.former())  # the test's own process is spared
    killed(
        nvml, "clock = NvmlClock()\nclock.set_hz(clock.steps_hz[1])\nclock.restore(clock.former())"
    )
    assert nvml.gpu().locked_mhz == 360
    clock.restore(clock.former())
    assert nvml.gpu().locked_mhz == 0


def test_without_permission_the_remedy_is_named_and_reading_goes_on(
    nvml: FakeNvml, clock: NvmlClock
) -> None:
    nvml.world.permitted = 0
    refused: tuple[Callable[[], None], ...] = (
        lambda: clock.set_hz(clock.steps_hz[0]),
        lambda: clock.restore(clock.former()),
    )
    for change in refused:
        with pytest.raises(NotPermitted) as caught:
            change()
        assert NVML_REMEDY in str(caught.value)
    assert clock.read().hz == 345 * MHZ


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0x0, ""),
        (0x1, ""),  # idle
        (0x2, ""),  # application clocks
        (0x4, "software power cap"),
        (0x8, "hardware slowdown"),
        (0x8 | 0x40, "hardware thermal slowdown"),
        (0x8 | 0x80, "hardware power brake"),
        (0x10, "sync boost"),
        (0x20, "software thermal slowdown"),
        (0x100, "display clock setting"),
        (0x1 | 0x4 | 0x20, "software power cap, software thermal slowdown"),
        (0x4 | 0x10000, "software power cap, reason 0x10000"),
    ],
)
def test_throttling_is_said_in_words(
    nvml: FakeNvml, clock: NvmlClock, bits: int, words: str
) -> None:
    nvml.change(reasons=bits)
    assert clock.read().throttle == words


def test_a_capped_gpu_achieves_less_than_was_asked_for(nvml: FakeNvml, clock: NvmlClock) -> None:
    nvml.change(load=1.0, cap_mhz=1200, reasons=0x4)
    clock.set_hz(1605 * MHZ)
    assert clock.read() == ClockReading(1200 * MHZ, "software power cap")
    clock.set_hz(1005 * MHZ)
    assert clock.read() == ClockReading(1005 * MHZ)


def test_older_drivers_are_asked_for_reasons_by_the_older_name(
    nvml: FakeNvml, clock: NvmlClock
) -> None:
    nvml.change(reasons=0x4)
    nvml.fail(EVENT_REASONS, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)
    assert clock.read().throttle == "software power cap"
    nvml.fail("nvmlDeviceGetCurrentClocksThrottleReasons")
    assert clock.read().throttle == ""


def test_a_gpu_whose_clock_cannot_be_set_can_still_be_read(nvml: FakeNvml) -> None:
    nvml.fail("nvmlDeviceGetSupportedMemoryClocks")
    nvml.change(load=1.0, boost_mhz=0)
    clock = NvmlClock()
    assert (clock.steps_hz, clock.default_hz) == ((), 1980 * MHZ)
    assert clock.read().hz == 1980 * MHZ
    with pytest.raises(Unsupported, match="GPU 0"):
        clock.set_hz(1980 * MHZ)
    clock.close()


@pytest.mark.parametrize("odd", [-1, 0])  # -1 is 0xFFFFFFFF
def test_an_absurd_clock_is_unknown(nvml: FakeNvml, clock: NvmlClock, odd: int) -> None:
    nvml.change(odd_clock=odd)
    assert math.isnan(clock.read().hz)


def test_a_lost_gpu_is_unavailable_until_it_is_back(nvml: FakeNvml, clock: NvmlClock) -> None:
    nvml.lose()
    for attempt in (clock.read, lambda: clock.set_hz(clock.steps_hz[0])):
        with pytest.raises(Unavailable, match="fallen off the bus"):
            attempt()
    nvml.give_back()
    clock.set_hz(clock.steps_hz[0])
    assert nvml.gpu().locked_mhz == 345
