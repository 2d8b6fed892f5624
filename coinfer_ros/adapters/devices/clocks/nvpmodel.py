# SPDX-License-Identifier: Apache-2.0
"""Reads which power mode NVIDIA's nvpmodel has set on a Jetson, and what that mode allows."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices.sysfs import read_text
from coinfer_ros.core.errors import NotPermitted, Unavailable

# The format is said at the head of every nvpmodel.conf: PARAM sections name files, POWER_MODEL
# sections give values to them, "#" begins a comment, and -1 stands for INT_MAX.
_SECTION = re.compile(r"<\s*(PARAM|POWER_MODEL|PM_CONFIG)\b([^>]*)>")
_ATTRIBUTE = re.compile(r"(\w+)=(\S+)")
_INT_MAX = 2**31 - 1
# A cluster's files lie in the folder of its first core, or in that of its policy.
_CPU_FILE = re.compile(r"/cpu(\d+)/cpufreq/|/cpufreq/policy(\d+)/")


@dataclass(frozen=True)
class ClockLimits:
    """What a power mode allows one clock.

    :param min_hz: lowest frequency, Hz; 0: no limit; infinity: held at the highest.
    :param max_hz: highest frequency, Hz; infinity: no limit.
    """

    min_hz: float = 0.0
    max_hz: float = math.inf


@dataclass(frozen=True)
class PowerMode:
    """One power mode.

    :param number: its id, as in ``nvpmodel -m``.
    :param name: its name, as in ``15W``.
    :param gpu: limits of the GPU's clock.
    :param cpus: first core of each cluster, with the limits of the cluster.
    :param cores_online: cores that it leaves on; None: it says nothing of cores.
    """

    number: int
    name: str
    gpu: ClockLimits = ClockLimits()
    cpus: tuple[tuple[int, ClockLimits], ...] = ()
    cores_online: int | None = None

    def cluster(self, cores: Iterable[int]) -> ClockLimits:
        """Return the limits of the cluster that these cores are."""
        found = set(cores)
        named = [limits for core, limits in self.cpus if core in found]
        return ClockLimits(
            max((one.min_hz for one in named), default=0.0),
            min((one.max_hz for one in named), default=math.inf),
        )


def present_mode(root: Path = Path("/")) -> PowerMode | None:
    """Return the power mode that is set.

    :return: None where there is no nvpmodel, or where its files do not say the mode.
    """
    try:
        configuration = read_text(root / "etc/nvpmodel.conf")
        number = _status(root)
    except (NotPermitted, Unavailable):
        return None
    return parse_mode(configuration, number)


def mode_number(mode: PowerMode | None) -> str:
    """Return the mode's id for a former state, empty: there is no mode."""
    return str(mode.number) if mode else ""


def _status(root: Path) -> int | None:
    """Return the mode in the status file; None: nobody has chosen one since it was flashed."""
    path = root / "var/lib/nvpmodel/status"
    if not path.exists():
        return None
    # "pmode:0002 fmode:quiet"; the fan's mode is there on some releases only.
    found = re.search(r"\bpmode:(\d+)", read_text(path))
    if not found:
        raise Unavailable(f"{path} must hold pmode:NUMBER")
    return int(found.group(1))


def parse_mode(configuration: str, number: int | None) -> PowerMode | None:
    """Return a mode of a file in the format of ``nvpmodel.conf``.

    :param configuration: the file's text; lines that are none of its kinds are passed over.
    :param number: the mode's id; None: the one in ``PM_CONFIG DEFAULT``.
    :return: None when the file has no such mode.
    """
    files: dict[tuple[str, str], str] = {}
    values: dict[tuple[int, str, str], str] = {}
    names: dict[int, str] = {}
    kind, attributes = "", dict[str, str]()
    for line in (text.partition("#")[0].strip() for text in configuration.splitlines()):
        if section := _SECTION.match(line):
            kind, attributes = section.group(1), dict(_ATTRIBUTE.findall(section.group(2)))
            if kind == "POWER_MODEL":
                names[_whole(attributes.get("ID", ""))] = attributes.get("NAME", "")
            elif kind == "PM_CONFIG" and number is None:
                number = _whole(attributes.get("DEFAULT", ""))
            continue
        words = line.split()
        if kind == "PARAM" and len(words) == 2:
            files[attributes.get("NAME", ""), words[0]] = words[1]
        elif kind == "POWER_MODEL" and len(words) == 3:
            values[_whole(attributes.get("ID", "")), words[0], words[1]] = words[2]
    if number is None or number < 0 or number not in names:
        return None
    own = {(what, how): value for (mode, what, how), value in values.items() if mode == number}
    return _mode(number, names[number], own, files)


def _mode(
    number: int,
    name: str,
    values: dict[tuple[str, str], str],
    files: dict[tuple[str, str], str],
) -> PowerMode:
    clusters = []
    for what in sorted({what for what, _ in values}):
        if found := _CPU_FILE.search(files.get((what, "MAX_FREQ"), "")):
            core = int(found.group(1) or found.group(2))
            clusters.append((core, _limits(values, what, unit_hz=1000.0)))
    cores = {how: value for (what, how), value in values.items() if what == "CPU_ONLINE"}
    # The first core cannot be turned off, so that some boards' files leave it out.
    online = sum(value == "1" for value in ({"CORE_0": "1"} | cores).values()) if cores else None
    return PowerMode(
        number, name, _limits(values, "GPU", unit_hz=1.0), tuple(sorted(clusters)), online
    )


def _limits(values: dict[tuple[str, str], str], what: str, *, unit_hz: float) -> ClockLimits:
    least = _whole(values.get((what, "MIN_FREQ"), "0"), otherwise=0)
    greatest = _whole(values.get((what, "MAX_FREQ"), "0"), otherwise=0)
    return ClockLimits(
        math.inf if least < 0 or least >= _INT_MAX else least * unit_hz,
        math.inf if greatest <= 0 or greatest >= _INT_MAX else greatest * unit_hz,
    )


def _whole(text: str, *, otherwise: int = -1) -> int:
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else otherwise
