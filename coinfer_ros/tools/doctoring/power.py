# SPDX-License-Identifier: Apache-2.0
"""Opens every power sensor and says what it gives."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from coinfer_ros import backends
from coinfer_ros.adapters.devices import boards
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.ports import Sample, Sensor
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.finding import Finding, Status, refused, said

AREA = "power"
SENSORS = ("hwmon", "tegrastats", "rapl", "battery")
# Some sensors give their power from the second look on.
LOOKING_S = 0.8
LONGEST_PAUSE_S = 0.25


def checks(root: Path) -> list[Check]:
    """Return one check a kind of sensor.

    :param root: where the system's files lie.
    """
    others = (Check(AREA, name, partial(_look, name, name, root)) for name in SENSORS)
    return [Check(AREA, "nvml", partial(_gpus, root)), *others]


def _gpus(root: Path) -> Iterator[Finding]:
    from coinfer_ros.adapters.devices.nvml import gpus  # noqa: PLC0415

    try:
        found = gpus()
    except CoinferError as error:
        absent = Status.FAULT if _has_card(root) else Status.MISSING
        yield refused(AREA, "nvml", error, root, absent=absent)
        return
    if not found:
        yield Finding(AREA, "nvml", Status.MISSING, "the NVIDIA driver has no GPU")
    for gpu in found:
        name = f"nvml GPU {gpu.index}"
        if gpu.fault:
            yield said(AREA, name, Status.FAULT, gpu.fault, root)
        else:
            yield from _look("nvml", name, root, gpu=gpu.index)


def _has_card(root: Path) -> bool:
    """Tell whether there is an NVIDIA GPU on the bus, with or without a driver."""
    return any(
        boards.text(path) == "0x10de" and boards.text(path.with_name("class")).startswith("0x03")
        for path in root.glob("sys/bus/pci/devices/*/vendor")
    )


def _look(source: str, name: str, root: Path, *, gpu: int = 0) -> Iterator[Finding]:
    asked = backends.Asked(backend="none", gpu=gpu, root=str(root))
    try:
        sensor = backends.sensor(source, asked)
    except CoinferError as error:
        yield refused(AREA, name, error, root)
        return
    try:
        yield _found(name, sensor, _sampled(sensor))
    except CoinferError as error:
        yield said(AREA, name, Status.FAULT, str(error), root)
    finally:
        sensor.close()


def _sampled(sensor: Sensor) -> Sample:
    """Return the first sample that has a power, or else the last one in the time there is.

    :raises Unavailable: when there is none.
    """
    end_s = time.monotonic() + LOOKING_S
    sample = sensor.sample()
    while math.isnan(sample.power_w) and time.monotonic() < end_s:
        time.sleep(min(sensor.info.period_s, LONGEST_PAUSE_S))
        sample = sensor.sample()
    return sample


def _found(name: str, sensor: Sensor, sample: Sample) -> Finding:
    info = sensor.info
    known = not math.isnan(sample.power_w)
    now = f"{sample.power_w:.4g} W now" if known else "total power not known now"
    counter = "no energy counter" if math.isnan(sample.counter_j) else "an energy counter"
    words = [info.covers, now, f"new every {info.period_s:g} s", counter]
    if sample.rails and not known:
        words.append(", ".join(f"{rail.name} {rail.power_w:.4g} W" for rail in sample.rails))
    if sensor.faults.total:
        words.append(f"left out: {sensor.faults} ({sensor.faults.last})")
    return Finding(AREA, name, Status.GOOD if known else Status.LIMITED, "; ".join(words))
