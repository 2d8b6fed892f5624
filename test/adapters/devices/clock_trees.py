# SPDX-License-Identifier: Apache-2.0
"""Writes system trees with the clocks of real machines, and watches what is written to them.

A plain file keeps the tail of a longer text that a shorter one is written over, where sysfs does
not: all that the tests write to one file has as many digits as what was there.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = "proc/sys/kernel/random/boot_id"
GPU = "sys/class/devfreq/17000000.gpu"
CPUS = "sys/devices/system/cpu"
POLICIES = f"{CPUS}/cpufreq"

# Jetson Orin NX 16 GB, from a benchmark script on GitHub that lists both tables of that board.
ORIN_GPU_HZ = tuple(range(306_000_000, 918_000_001, 102_000_000))
ORIN_CPU_KHZ = (*range(115_200, 1_958_401, 76_800), 1_984_000)

# The format is NVIDIA's. Modes of the Orin Nano Super, JetPack 6.2, as a public test suite has
# copied them from a board: 25 W has a slower CPU than 15 W, and the fastest mode is not the last.
ORIN_CONF = """\
# a comment with < POWER_MODEL ID=9 NAME=NOT >
< PARAM TYPE=FILE NAME=CPU_ONLINE >
CORE_0 /sys/devices/system/cpu/cpu0/online
CORE_4 /sys/devices/system/cpu/cpu4/online
< PARAM TYPE=CLOCK NAME=CPU_A78_0 >
FREQ_TABLE /sys/devices/system/cpu/cpu0/cpufreq/scaling_available_frequencies
MAX_FREQ /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq
MIN_FREQ /sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq
< PARAM TYPE=CLOCK NAME=CPU_A78_1 >
MAX_FREQ /sys/devices/system/cpu/cpu4/cpufreq/scaling_max_freq
MIN_FREQ /sys/devices/system/cpu/cpu4/cpufreq/scaling_min_freq
< PARAM TYPE=CLOCK NAME=GPU >
MAX_FREQ /sys/devices/17000000.ga10b/devfreq/17000000.ga10b/max_freq
MAX_FREQ_KNEXT /sys/devices/platform/17000000.gpu/devfreq_dev/max_freq
<PARAM TYPE=CLOCK NAME=EMC >
MAX_FREQ /sys/kernel/nvpmodel_emc_cap/emc_iso_cap

< POWER_MODEL ID=0 NAME=15W >
CPU_ONLINE CORE_0 1
CPU_ONLINE CORE_4 1
CPU_A78_0 MIN_FREQ 729600
CPU_A78_0 MAX_FREQ 1497600
CPU_A78_1 MIN_FREQ 729600
CPU_A78_1 MAX_FREQ 1497600
GPU MIN_FREQ 0
GPU MAX_FREQ 612000000
EMC MAX_FREQ 2133000000
< POWER_MODEL ID=1 NAME=25W >
CPU_A78_0 MAX_FREQ 1344000
CPU_A78_1 MAX_FREQ 1344000
GPU MAX_FREQ 918000000
< POWER_MODEL ID=2 NAME=MAXN_SUPER >
CPU_A78_0 MAX_FREQ -1
GPU MIN_FREQ 0
GPU MAX_FREQ -1
EMC MAX_FREQ -1
< POWER_MODEL ID=3 NAME=7W >
CPU_ONLINE CORE_4 0
GPU MAX_FREQ 408000000
< PM_CONFIG DEFAULT=1 >
"""


def write(root: Path, path: str, text: object) -> Path:
    """Write one file of the tree, with the line break that the kernel adds."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")
    return file


def set_mode(root: Path, number: int) -> None:
    """Choose a power mode, as ``nvpmodel -m`` notes it."""
    write(root, "etc/nvpmodel.conf", ORIN_CONF)
    write(root, "var/lib/nvpmodel/status", f"pmode:{number:04d} fmode:quiet")


def orin_gpu(root: Path, *, folder: str = GPU, table: object = None) -> Path:
    """Write a Jetson Orin's GPU, not limited by its power mode."""
    words = " ".join(map(str, ORIN_GPU_HZ)) if table is None else table
    for name, text in {
        "available_frequencies": words,
        "min_freq": ORIN_GPU_HZ[0],
        "max_freq": ORIN_GPU_HZ[-1],
        "cur_freq": ORIN_GPU_HZ[0],
        "governor": "nvhost_podgov",
    }.items():
        write(root, f"{folder}/{name}", text)
    write(root, BOOT_ID, "0b7e7a4e-9c7d-4d0e-8e52-31a0f2f6c001")
    return root


def policy(root: Path, number: int, cores: str, least: int, greatest: int, **files: object) -> None:
    """Write one cpufreq policy; kHz."""
    for name, text in {
        "affected_cpus": cores,
        "related_cpus": cores,
        "cpuinfo_min_freq": least,
        "cpuinfo_max_freq": greatest,
        "scaling_min_freq": least,
        "scaling_max_freq": greatest,
        "scaling_cur_freq": greatest,
        **files,
    }.items():
        write(root, f"{POLICIES}/policy{number}/{name}", text)
    write(root, BOOT_ID, "0b7e7a4e-9c7d-4d0e-8e52-31a0f2f6c002")


def desktop_acpi(root: Path) -> Path:
    """Write a core each of two policies of acpi-cpufreq, which lists its P-states falling."""
    table = {"scaling_available_frequencies": "3700000 3200000 2200000 "}
    for core in (0, 1):
        policy(root, core, str(core), 2_200_000, 3_700_000, **table)
    return root


def desktop_intel(root: Path) -> Path:
    """Write a core each of two policies of intel_pstate, which lists no frequencies."""
    for core in (0, 1):
        policy(root, core, str(core), 1_200_000, 3_350_000)
        for kind in ("core", "package"):
            write(root, f"{CPUS}/cpu{core}/thermal_throttle/{kind}_throttle_count", 7)
    return root


def jetson_big_little(root: Path) -> Path:
    """Write a four-core and a two-core cluster whose tables differ, as the TX2's do in part."""
    tables = {0: ORIN_CPU_KHZ, 4: (1_113_600, 1_420_800, 1_728_000, 2_035_200)}
    for first, cores in ((0, "0 1 2 3"), (4, "4 5")):
        listed = " ".join(map(str, tables[first]))
        policy(
            root, first, cores, 1_113_600, tables[first][-1], scaling_available_frequencies=listed
        )
    return root


def cooling(root: Path, kind: str, state: int, number: int = 0) -> None:
    """Write a cooling device."""
    write(root, f"sys/class/thermal/cooling_device{number}/type", kind)
    write(root, f"sys/class/thermal/cooling_device{number}/cur_state", state)


def limits(root: Path) -> dict[str, str]:
    """Return all that a clock may change, and the governors, which it may not."""
    names = ("min_freq", "max_freq", "governor", "scaling_min_freq", "scaling_max_freq")
    files = [path for path in root.glob("sys/**/*") if path.name in names]
    return {str(path.relative_to(root)): path.read_text().strip() for path in files}


@contextlib.contextmanager
def as_ordinary_user(folder: Path) -> Iterator[None]:
    """Own a folder as a user whom file modes bind, also where the tests run as root.

    The folder must lie where everybody may pass.
    """
    was_root = os.geteuid() == 0
    if was_root:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder where everybody may pass, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


_watched: list[_Watch] = []


@dataclass
class _Watch:
    """What is done when a file below ``root`` is opened."""

    root: Path
    before_write: Callable[[], object]
    before_read: Callable[[], object]

    def __call__(self, path: object, flags: object) -> None:
        if isinstance(flags, int) and str(path).startswith(str(self.root)):
            _watched.remove(self)  # it may open files itself
            (self.before_write if flags & os.O_WRONLY else self.before_read)()
            _watched.append(self)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _watched:
        _watched[0](arguments[0], arguments[2])


@functools.cache  # once: a hook cannot be taken back
def _install() -> None:
    sys.addaudithook(_hook)


@contextlib.contextmanager
def watched(root: Path) -> Iterator[list[dict[str, str]]]:
    """Yield a list that gets the limits as they are before each write below ``root``."""
    seen: list[dict[str, str]] = []
    with opened_for_writing(root, lambda: seen.append(limits(root))):
        yield seen
    seen.append(limits(root))


@contextlib.contextmanager
def opened_for_writing(root: Path, act: Callable[[], object]) -> Iterator[None]:
    """Call ``act`` before each write below ``root``."""
    with _watching(_Watch(root, act, lambda: None)):
        yield


@contextlib.contextmanager
def kernel(root: Path, shows: Callable[[], object]) -> Iterator[None]:
    """Call ``shows`` before each reading below ``root``, as a kernel makes up what it shows."""
    with _watching(_Watch(root, lambda: None, shows)):
        yield


@contextlib.contextmanager
def _watching(watch: _Watch) -> Iterator[None]:
    _install()
    _watched.append(watch)
    try:
        yield
    finally:
        _watched.remove(watch)
