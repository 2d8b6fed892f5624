# SPDX-License-Identifier: Apache-2.0
"""What one look at each power sensor costs."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench import trees
from bench.options import Options
from bench.section import Section
from bench.stats import PERCENTILES, spread
from coinfer_ros.adapters.devices.nvml import NvmlSensor
from coinfer_ros.adapters.devices.power.battery import BatterySensor
from coinfer_ros.adapters.devices.power.hwmon import InaSensor
from coinfer_ros.adapters.devices.power.rapl import RaplSensor
from coinfer_ros.adapters.devices.power.sampled import LEAST_INTERVAL_S
from coinfer_ros.adapters.devices.power.tegrastats_line import parse
from coinfer_ros.core.errors import CoinferError

Look = Callable[[], object]


def measure(options: Options) -> Section:
    """Look again and again."""
    rows = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        for what, period_s, look in _looks(Path(name), opened):
            if look is None:
                rows.append((what, *["not here"] * (len(PERCENTILES) + 1)))
                continue
            seconds = [_took_s(look) for _ in range(options.rounds(2000, 20))]
            share = spread(seconds).p50 / max(period_s, LEAST_INTERVAL_S)
            rows.append((what, *spread(seconds).cells(1e3, 3), f"{100 * share:.2f}"))
    return Section(
        title="Looking at a power sensor",
        columns=("sensor", *(f"{p}, ms" for p in PERCENTILES), "of its pace, %"),
        rows=tuple(rows),
        reading=(
            "Wall time of one sample on one thread; at its pace: that time over the sensor's "
            f"period, {1e3 * LEAST_INTERVAL_S:.0f} ms at least. Boards' files are copies in "
            "memory, so that what the kernel takes to ask a chip comes on top; NVML is the card's "
            "own driver where there is one."
        ),
    )


def _looks(folder: Path, opened: ExitStack) -> Iterator[tuple[str, float, Look | None]]:
    boards = trees.load("trees")
    for what, write, kind in (
        ("hwmon: Jetson AGX Orin, 4 rails", boards.jetson_orin, InaSensor),
        ("RAPL: two packages with memory", boards.rapl, RaplSensor),
        ("battery", boards.battery, BatterySensor),
    ):
        root = folder / kind.__name__
        write(root)
        sensor = kind(root)
        opened.callback(sensor.close)
        yield what, sensor.info.period_s, sensor.sample
    lines = (trees.DEVICES / "data/tegrastats_lines.jsonl").read_text(encoding="utf-8")
    line = max((json.loads(text)["line"] for text in lines.splitlines()), key=len)
    yield "tegrastats: the longest real line, parsed", 0.1, lambda: parse(line + "\n")
    try:
        gpu = NvmlSensor()
    except CoinferError:
        yield "NVML", 0.1, None
    else:
        opened.callback(gpu.close)
        yield f"NVML: {gpu.info.covers}", gpu.info.period_s, gpu.sample


def _took_s(look: Look) -> float:
    begun_s = time.perf_counter()
    look()
    return time.perf_counter() - begun_s
