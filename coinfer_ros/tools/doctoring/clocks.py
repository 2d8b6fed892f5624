# SPDX-License-Identifier: Apache-2.0
"""Says which clocks are here, whether this user may set them, and who does; it sets none."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from coinfer_ros import backends
from coinfer_ros.adapters.devices.clocks.nvpmodel import present_mode
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.ports import ClockDriver
from coinfer_ros.tools.doctoring import owner
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.driver import opened
from coinfer_ros.tools.doctoring.finding import Finding, Status, refused
from coinfer_ros.tools.doctoring.rights import PERMIT, may_administer, remedy, unwritable

AREA, MODE = "clocks", "nvpmodel"
# What each driver writes to.
FILES = {
    "devfreq": "sys/class/devfreq/{device}/m??_freq",
    "cpufreq": "sys/devices/system/cpu/cpufreq/policy*/scaling_m??_freq",
}
# What is in the way of setting a clock, and the command against it; two empty texts: nothing.
Obstacle = tuple[str, str]


def checks(root: Path, state_dir: Path) -> list[Check]:
    """Return one check a kind of clock.

    :param root: where the system's files lie.
    :param state_dir: where the owners of clocks are noted.
    """
    files = (Check(AREA, name, partial(_files, name, root, state_dir)) for name in FILES)
    modes = Check(AREA, MODE, partial(_mode, root))
    return [Check(AREA, "nvml", partial(_gpus, root, state_dir)), *files, modes]


def _gpus(root: Path, state_dir: Path) -> Iterator[Finding]:
    from coinfer_ros.adapters.devices.nvml import gpus  # noqa: PLC0415

    try:
        found = [gpu for gpu in gpus() if not gpu.fault]
    except CoinferError as error:
        yield refused(AREA, "nvml", error, root)
        return
    for gpu in found:
        asked = backends.Asked(backend="none", gpu=gpu.index)
        name = f"nvml GPU {gpu.index}"
        yield _look("nvml", name, asked, state_dir, lambda _: _nvml_obstacle(root))


def _files(name: str, root: Path, state_dir: Path) -> Iterator[Finding]:
    asked = backends.Asked(backend="none", root=str(root))
    yield _look(name, name, asked, state_dir, partial(_files_obstacle, root, FILES[name]))


def _look(
    source: str,
    name: str,
    asked: backends.Asked,
    state_dir: Path,
    obstacle: Callable[[ClockDriver], Obstacle],
) -> Finding:
    root = Path(asked.root)
    try:
        with opened(source, asked) as driver:
            described = _described(driver)
    except CoinferError as error:
        return refused(AREA, name, error, root)
    if not driver.steps_hz:
        return Finding(AREA, name, Status.LIMITED, f"{described}; lists no steps to set")
    why, command = obstacle(driver)
    if not why and (why := _unusable(state_dir)):
        command = remedy(root)
    if why:
        words = f"{described}; can be read, not set by this user: {why}"
        return Finding(AREA, name, Status.LIMITED, words, command)
    sets = owner.of(state_dir, driver.device)
    owned = f"set by {sets}" if sets else "this user may set it, nobody does now"
    return Finding(AREA, name, Status.GOOD, f"{described}; {owned}")


def _described(driver: ClockDriver) -> str:
    """Return steps, default and present clock in words.

    :raises Unavailable: when the device is gone.
    """
    now = driver.read()
    steps = driver.steps_hz
    words = [f"{len(steps)} steps, {_mhz(steps[0])} to {_mhz(steps[-1])}"] if steps else []
    words += [f"by default {_mhz(driver.default_hz)}", f"now {_mhz(now.hz)}"]
    words += [f"slowed by {now.throttle}"] if now.throttle else []
    return ", ".join(words)


def _files_obstacle(root: Path, pattern: str, driver: ClockDriver) -> Obstacle:
    device = driver.device.removeprefix("devfreq-")
    why = unwritable(sorted(root.glob(pattern.format(device=device))))
    return why, remedy(root) if why else ""


def _nvml_obstacle(root: Path) -> Obstacle:
    if may_administer(root):
        return "", ""
    if os.geteuid() == 0:
        return "the driver wants CAP_SYS_ADMIN, which this container lacks", (
            "docker run --cap-add SYS_ADMIN ...    # the container of the device node alone"
        )
    return (
        "the driver wants CAP_SYS_ADMIN, which the device node has as a service",
        f"{PERMIT} --service edge --nvml",
    )


def _unusable(state_dir: Path) -> str:
    """Return why former states could not be kept, without which no clock is set."""
    nearest = next(path for path in (state_dir, *state_dir.parents) if path.exists())
    return unwritable([nearest])


def _mode(root: Path) -> Iterator[Finding]:
    if not (root / "etc/nvpmodel.conf").exists():
        return
    mode = present_mode(root)
    if mode is None:
        words = "its files do not say which power mode is set"
        yield Finding(AREA, MODE, Status.LIMITED, words, "sudo nvpmodel -q")
        return
    limit = f"GPU up to {_mhz(mode.gpu.max_hz)}" if math.isfinite(mode.gpu.max_hz) else "no limit"
    yield Finding(AREA, MODE, Status.GOOD, f"power mode {mode.number}, {mode.name}: {limit}")


def _mhz(hz: float) -> str:
    return "not known" if math.isnan(hz) else f"{hz / 1e6:g} MHz"
