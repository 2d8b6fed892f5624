# SPDX-License-Identifier: Apache-2.0
"""Reads one line that NVIDIA's tegrastats printed, whatever release of it (L4T 28 to 39)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from coinfer_ros.adapters.devices.power.hwmon import LOWEST_W

MIB = 2**20  # its "MB": the kB of /proc/meminfo divided by 1024
MOST_W = 1000.0
MOST_BYTES = 2.0**50
COLDEST_C, HOTTEST_C = -55.0, 150.0
GATED_C = -256.0  # what a zone reads while its part of the chip has no power
FASTEST_HZ = 1e10

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_NUMBER = r"-?\d+(?:\.\d+)?"
_DEGREES = r"-?\d+(?:[.,]\d+)?"
_CLOCKS = r"\d+|\[[\d,]*\]"
_ENGINE = r"GR3D\d?(?:_FREQ)?|EMC(?:_FREQ)?|APE|VIC\w*|NV\w+|MSENC|OFA\w*|PVA\w*|fg|bg"
# Releases before L4T 34 print no unit; a pair without one is power only under these names.
_RAIL_PREFIX = r"VDD_|VDDQ_|VIN|POM_"
_BARE_RAIL = re.compile(rf"(?:{_RAIL_PREFIX})\w*|GPU|CPU|SOC|CV|VDDRQ|SYS5V|NC", re.ASCII)
# These cannot be the end of a longer name, as "GPU" is of "VDD_SYS_GPU".
_WHOLE_START = re.compile(rf"\d|RAM |{_RAIL_PREFIX}", re.ASCII)
_CORE = re.compile(r"(\d+)%(?:@(\d+))?", re.ASCII)
_KINDS = {
    "date": r"\d\d-\d\d-\d{4}\s+\d\d:\d\d:\d\d",
    "ram": r"RAM\s+(?P<used>\d+)/(?P<all>\d+)MB(?:\s*\([^()]*\))?",
    "memory": r"(?:SWAP|IRAM)\s+\d+/\d+[kM]B(?:\s*\([^()]*\))?",
    "cpu": r"(?:CPU|cpu)\s+\[(?P<cores>[^][]*)\](?:@(?P<shared>\d+))?",
    # Since L4T 39 a peak follows the mean, and a peak the temperature.
    "rail": rf"(?P<name>[A-Za-z]\w*)\s+(?P<now>{_NUMBER})(?P<unit>mW|W|)/(?P<mean>{_NUMBER})"
    rf"(?P=unit)(?:/{_NUMBER}(?P=unit))?",
    "temperature": rf"(?P<zone>[A-Za-z][\w.-]*)@(?P<degrees>{_DEGREES})C(?:/{_DEGREES}C)?",
    "engine": rf"(?P<engine_name>{_ENGINE})\s+"
    rf"(?:off|\d+|(?=[\d@])(?:(?P<load>\d+)%)?(?:@(?P<clocks>{_CLOCKS}))?)",
    "mts": r"MTS(?=\s+fg\s)",
}
_FIELD = re.compile(
    r"(?<!\S)(?:" + "|".join(f"(?P<{kind}>{it})" for kind, it in _KINDS.items()) + r")(?!\S)",
    re.ASCII,
)


@dataclass(frozen=True)
class RailPower:
    """One rail: power now and its mean since tegrastats began (NaN: not credible), W."""

    name: str
    now_w: float
    mean_w: float


@dataclass(frozen=True)
class Core:
    """One processor core: its load, 0 to 1, and clock, Hz; NaN: switched off or not printed."""

    load: float = math.nan
    clock_hz: float = math.nan


@dataclass(frozen=True)
class Temperature:
    """One thermal zone, °C."""

    zone: str
    temperature_c: float


@dataclass(frozen=True)
class Tegrastats:
    """What one line says; NaN and empty: nothing.

    :param printed_at: local time by the board's own clock, to the second.
    :param gpu_load: 0 to 1.
    :param gpu_clocks_hz: of each cluster of the GPU, Hz; 0: it has no power.
    :param emc_load: of the memory controller, 0 to 1.
    :param left_out: for each figure that cannot be true, why.
    :param unknown: words that mean nothing to this reader.
    """

    printed_at: datetime | None = None
    rails: tuple[RailPower, ...] = ()
    temperatures: tuple[Temperature, ...] = ()
    cores: tuple[Core, ...] = ()
    gpu_load: float = math.nan
    gpu_clocks_hz: tuple[float, ...] = ()
    emc_load: float = math.nan
    emc_clock_hz: float = math.nan
    ram_used_bytes: float = math.nan
    ram_total_bytes: float = math.nan
    left_out: tuple[str, ...] = ()
    unknown: int = 0


class _Judge:
    """Leaves out what cannot be true, and says why."""

    def __init__(self) -> None:
        self.left_out: list[str] = []
        self.unknown = 0

    def credible(self, what: str, value: float, high: float, low: float = 0.0) -> float:
        """Return the value; NaN when it is out of [low, high]."""
        if low <= value <= high:
            return value
        self.left_out.append(f"{'negative' if value < 0 <= low else 'absurd'} {what}")
        return math.nan

    def load(self, percent: str | None) -> float:
        """Return a load in percent, perhaps not printed, as 0 to 1."""
        return self.credible("load", float(percent) / 100, 1.0) if percent else math.nan

    def clock_hz(self, mhz: str | None) -> float:
        """Return a clock in MHz, perhaps not printed, in Hz."""
        return self.credible("clock", float(mhz) * 1e6, FASTEST_HZ) if mhz else math.nan


def parse(line: str) -> Tegrastats:
    r"""Read a line; no text makes it fail.

    A line ends with its line break; without one it is cut, and its last field is not believed.

    >>> parse("RAM 534/3964MB GR3D_FREQ 7%@76 POM_5V_IN 1022/1130 POM_5V_CPU 204/20").rails
    (RailPower(name='POM_5V_IN', now_w=1.022, mean_w=1.13),)
    """
    judge = _Judge()
    fields = _fields(_ANSI.sub("", line), judge)
    gpu_load, gpu_clocks_hz = _engine(fields["engine"], "GR3D", judge)
    emc_load, emc_clocks_hz = _engine(fields["engine"], "EMC", judge)
    ram_bytes = [
        judge.credible("memory", float(ram[part]) * MIB, MOST_BYTES)
        for ram in fields["ram"][-1:]
        for part in ("used", "all")
    ]
    return Tegrastats(
        printed_at=_date(fields["date"]),
        rails=tuple(_rails(fields["rail"], judge)),
        temperatures=tuple(_temperatures(fields["temperature"], judge)),
        cores=tuple(_cores(fields["cpu"], judge)),
        gpu_load=gpu_load,
        gpu_clocks_hz=gpu_clocks_hz,
        emc_load=emc_load,
        emc_clock_hz=emc_clocks_hz[0] if emc_clocks_hz else math.nan,
        ram_used_bytes=ram_bytes[0] if ram_bytes else math.nan,
        ram_total_bytes=ram_bytes[1] if ram_bytes else math.nan,
        left_out=tuple(judge.left_out),
        unknown=judge.unknown,
    )


def _fields(text: str, judge: _Judge) -> dict[str, list[re.Match[str]]]:
    """Return the line's fields by their kind."""
    fields: dict[str, list[re.Match[str]]] = {kind: [] for kind in _KINDS}
    end = 0
    for match in _FIELD.finditer(text):
        judge.unknown += len(text[end : match.start()].split())
        end = match.end()
        kind = match.lastgroup or ""
        starts_late = match.start() == 0 and not _WHOLE_START.match(text)
        if starts_late or end == len(text):
            judge.left_out.append("cut field")
        elif kind == "rail" and not (match["unit"] or _BARE_RAIL.fullmatch(match["name"])):
            judge.unknown += 2
        else:
            fields[kind].append(match)
    judge.unknown += len(text[end:].split())
    return fields


def _rails(fields: list[re.Match[str]], judge: _Judge) -> Iterator[RailPower]:
    for rail in fields:
        to_w = 1.0 if rail["unit"] == "W" else 1e3
        now_w = judge.credible("power", float(rail["now"]) / to_w, MOST_W, LOWEST_W)
        mean_w = float(rail["mean"]) / to_w
        if not math.isnan(now_w):
            yield RailPower(rail["name"], now_w, mean_w if 0 <= mean_w <= MOST_W else math.nan)


def _temperatures(fields: list[re.Match[str]], judge: _Judge) -> Iterator[Temperature]:
    for zone in fields:
        degrees = float(zone["degrees"].replace(",", "."))
        if degrees == GATED_C:
            continue
        degrees = judge.credible("temperature", degrees, HOTTEST_C, COLDEST_C)
        if not math.isnan(degrees):
            yield Temperature(zone["zone"], degrees)


def _cores(fields: list[re.Match[str]], judge: _Judge) -> Iterator[Core]:
    for cpu in fields[-1:]:
        for text in cpu["cores"].split(","):
            core = _CORE.fullmatch(text.strip())
            if core:
                yield Core(judge.load(core[1]), judge.clock_hz(core[2] or cpu["shared"]))
                continue
            if text.strip() != "off":
                judge.left_out.append("unreadable core")
            yield Core()


def _engine(
    fields: list[re.Match[str]], name: str, judge: _Judge
) -> tuple[float, tuple[float, ...]]:
    """Return the load and the clocks, Hz, of the engine with this name."""
    for engine in fields:
        if engine["engine_name"] in {name, f"{name}_FREQ"}:
            clocks = (engine["clocks"] or "").strip("[]").split(",")
            return judge.load(engine["load"]), tuple(judge.clock_hz(it) for it in clocks if it)
    return math.nan, ()


def _date(fields: list[re.Match[str]]) -> datetime | None:
    try:
        return datetime.strptime(" ".join(fields[0].group().split()), "%m-%d-%Y %H:%M:%S")
    except (IndexError, ValueError):
        return None
