# SPDX-License-Identifier: Apache-2.0
"""Writes and reads records of what a power sensor gave.

A record has a JSON object a line. The first is ``{"format": "coinfer-power/1", "source": "nvml",
"covers": "GPU 0", "period_s": 0.1, "resolution_j": 0.001}``, with ``wraps_at_j`` where the counter
wraps. Each other is a sample: ``t_s``, the time since any start, and of ``power_w``, ``counter_j``,
``rails`` (``{"VDD_IN": 4.9}``, in W), ``temperature_c`` and ``load`` what the sensor gave.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from coinfer_ros.core.checks import number, whole
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Rail, Sample, Sensor, SensorInfo

FORMAT = "coinfer-power/1"
# The lowest and highest that each figure of a sample may be.
FIGURES = {
    "power_w": (0.0, 1e5),
    "counter_j": (0.0, 1e15),
    "temperature_c": (-273.15, 1000.0),
    "load": (0.0, 1.0),
}


def record(
    sensor: Sensor,
    path: Path,
    *,
    count: int,
    least_s: float = 0.0,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Write the next samples of a sensor to a file; each is there as soon as it is taken.

    :param count: how many.
    :param least_s: least time between two samples, s.
    :param wait: waits so many seconds, between samples of a sensor that does not pace itself.
    :raises InvalidInput: for a count below 1.
    :raises Unavailable: when the file cannot be written, or the sensor not be read any more.
    """
    whole("count", count, low=1, high=10**9)
    begun_s = math.nan
    try:
        with path.open("w", encoding="utf-8", buffering=1) as file:
            file.write(_json({"format": FORMAT} | dataclasses.asdict(sensor.info)))
            for taken in range(count):
                if taken and not sensor.info.paces_itself:
                    wait(max(sensor.info.period_s, least_s))
                sample = sensor.sample()
                begun_s = begun_s if taken else sample.at_s
                figures = {name: getattr(sample, name) for name in FIGURES}
                rails = {rail.name: rail.power_w for rail in sample.rails}
                file.write(_json({"t_s": sample.at_s - begun_s, **figures, "rails": rails}))
    except OSError as error:
        raise Unavailable(f"{path} must be writable: {error.strerror}") from error


def _json(record: Mapping[str, object]) -> str:
    """Return a line of JSON without what is not known, which JSON has no word for."""
    known = {
        name: value
        for name, value in record.items()
        if value != {} and (not isinstance(value, float) or math.isfinite(value))
    }
    return json.dumps(known) + "\n"


def read_record(
    lines: Sequence[str], path: Path, faults: Faults
) -> tuple[SensorInfo, list[Sample]]:
    """Return what a record says of its sensor, and its samples from time 0 on.

    :param lines: the file's.
    :param path: its name, for the sensor's words and errors.
    :param faults: counts lines that are no sample.
    :raises InvalidInput: when the first line is no header.
    """
    try:
        header = _object(lines[0])
        if header.get("format") != FORMAT:
            raise InvalidInput(f"format must be {FORMAT!r}, got {header.get('format')!r:.60}")
        origin = f"{_word(header, 'source')}: {_word(header, 'covers')}"
        info = SensorInfo(
            source="replay",
            covers=f"{path.name}, recorded from {origin}",
            period_s=number("period_s", header.get("period_s"), above=0.0, high=1e5, unit="s"),
            resolution_j=number("resolution_j", header.get("resolution_j"), low=0.0, unit="J"),
            paces_itself=True,
        )
        if "wraps_at_j" in header:
            wraps_at_j = number("wraps_at_j", header["wraps_at_j"], above=0.0, unit="J")
            info = dataclasses.replace(info, wraps_at_j=wraps_at_j)
    except InvalidInput as error:
        raise InvalidInput(f"{path}, first line: {error}") from error
    return info, list(_rising(lines[1:], faults))


def _rising(lines: Iterable[str], faults: Faults) -> Iterator[Sample]:
    first_s = last_s = math.nan
    for line in lines:
        try:
            sample = _sample(_object(line))
        except InvalidInput as error:
            faults.add("line is no sample", str(error))
            continue
        if sample.at_s <= last_s:
            faults.add("time does not rise", f"{sample.at_s} s after {last_s} s")
            continue
        last_s = sample.at_s
        first_s = last_s if math.isnan(first_s) else first_s
        yield dataclasses.replace(sample, at_s=last_s - first_s)


def _word(header: Mapping[str, object], name: str) -> str:
    word = header.get(name)
    if not isinstance(word, str) or not word:
        raise InvalidInput(f"{name} must be a text, got {word!r:.60}")
    return word


def _object(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"a line must be JSON, got {line[:60]!r}") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"a line must be a JSON object, got {line[:60]!r}")
    return found


def _sample(fields: Mapping[str, object]) -> Sample:
    def figure(name: str) -> float:
        low, high = FIGURES[name]
        return number(name, fields[name], low=low, high=high) if name in fields else math.nan

    rails = fields.get("rails", {})
    if not isinstance(rails, dict):
        raise InvalidInput(f"rails must be an object, got {rails!r:.60}")
    if not rails and fields.keys().isdisjoint({"power_w", "counter_j"}):
        raise InvalidInput("a sample must have power_w, counter_j or rails, got none")
    low, high = FIGURES["power_w"]
    return Sample(
        at_s=number("t_s", fields.get("t_s"), unit="s"),
        power_w=figure("power_w"),
        counter_j=figure("counter_j"),
        rails=tuple(Rail(name, number(name, it, low=low, high=high)) for name, it in rails.items()),
        temperature_c=figure("temperature_c"),
        load=figure("load"),
    )
