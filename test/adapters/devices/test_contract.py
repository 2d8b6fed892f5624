# SPDX-License-Identifier: Apache-2.0
"""What every power sensor and every meter keeps to: real ones, a replayed and a simulated one."""

from __future__ import annotations

import json
import math
import runpy
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from coinfer_ros.adapters.devices.nvml import NvmlSensor
from coinfer_ros.adapters.devices.power.battery import BatterySensor
from coinfer_ros.adapters.devices.power.hwmon import InaSensor
from coinfer_ros.adapters.devices.power.rapl import RaplSensor
from coinfer_ros.adapters.devices.power.record import record
from coinfer_ros.adapters.devices.power.replay import ReplaySensor
from coinfer_ros.adapters.devices.power.sampled import SampledMeter
from coinfer_ros.adapters.devices.power.tegrastats import TegrastatsSensor
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.ports import PowerMeter, Sensor
from coinfer_ros.sim.silicon import Silicon

from .fake_nvml import FakeNvml

HERE = Path(__file__).parent
trees = SimpleNamespace(**runpy.run_path(str(HERE / "trees.py")))
NANO = "RAM 534/3964MB GR3D_FREQ 7%@76 POM_5V_IN 4000/4000 POM_5V_GPU 40/40 POM_5V_CPU 204/204"
PATIENCE_S = 20.0


@dataclass
class Citizen:
    """One kind of sensor in a world of the test.

    :param power_w: what its machine draws all the time, W.
    :param vanish: takes the hardware away.
    :param come_back: puts it there again; None where it cannot.
    :param energy_j: all that its machine has drawn, J; None: as much as ``power_w`` makes it.
    """

    open: Callable[[], Sensor]
    power_w: float
    vanish: Callable[[], object]
    come_back: Callable[[], object] | None
    energy_j: Callable[[], float] | None = None

    def drawn_j(self) -> float:
        """Return all energy until now by the world's own clock, J."""
        return self.energy_j() if self.energy_j else self.power_w * time.monotonic()


def moved(folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """Return what hides a folder and what shows it again."""
    aside = folder.with_name(folder.name + ".aside")
    return (lambda: folder.rename(aside)), (lambda: aside.rename(folder))


def nvml(tmp_path: Path, world: ExitStack) -> Citizen:
    fake = world.enter_context(FakeNvml(tmp_path))
    fake.change(load=0.5)
    return Citizen(NvmlSensor, fake.power_w(), fake.lose, fake.give_back)


def hwmon(tmp_path: Path, world: ExitStack) -> Citizen:  # noqa: ARG001
    trees.jetson_orin_nano(tmp_path)
    return Citizen(lambda: InaSensor(tmp_path), 6.0, *moved(tmp_path / "sys"))


def tegrastats(tmp_path: Path, world: ExitStack) -> Citizen:
    trees.device_tree(tmp_path, "NVIDIA Jetson Nano Developer Kit")
    plan, program = tmp_path / "plan.json", tmp_path / "tegrastats"

    def install(steps: list[object]) -> None:
        plan.write_text(json.dumps(steps))
        words = (sys.executable, "-ISB", HERE / "fake_tegrastats.py", plan)
        command = " ".join(shlex.quote(str(word)) for word in words)
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)

    lines: list[object] = [["line", NANO]] * 2000
    install(lines)
    opened: list[TegrastatsSensor] = []

    def open_sensor() -> Sensor:
        opened.append(TegrastatsSensor(str(program), tmp_path, 0.05))
        return opened[-1]

    def vanish() -> None:
        install([["exit", 1]])
        opened[-1]._end_child()  # as if somebody had killed the program

    world.callback(lambda: [sensor.close() for sensor in opened])
    return Citizen(open_sensor, 4.0, vanish, lambda: install(lines))


def rapl(tmp_path: Path, world: ExitStack) -> Citizen:
    trees.rapl_amd(tmp_path)
    zone = tmp_path / "sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"
    begun_s, over = time.monotonic(), threading.Event()

    def count() -> None:
        while not over.wait(0.002):
            microjoules = round(1e6 * (20.0 + 35.0 * (time.monotonic() - begun_s)))
            beside = tmp_path / "energy"
            beside.write_text(f"{microjoules}\n")
            if zone.exists():
                beside.replace(zone / "energy_uj")

    counting = threading.Thread(target=count)
    counting.start()
    world.callback(counting.join)
    world.callback(over.set)

    def energy_j() -> float:
        return 1e-6 * int((zone / "energy_uj").read_text())

    # What is opened while it is hidden finds nothing; the counting never stops.
    hide, show = moved(tmp_path / "sys/class")
    return Citizen(lambda: RaplSensor(tmp_path), 35.0, hide, show, energy_j)


def battery(tmp_path: Path, world: ExitStack) -> Citizen:  # noqa: ARG001
    trees.battery(tmp_path)
    return Citizen(lambda: BatterySensor(tmp_path), 9.5, *moved(tmp_path / "sys"))


def replay(tmp_path: Path, world: ExitStack) -> Citizen:  # noqa: ARG001
    trees.battery(tmp_path)
    source = BatterySensor(tmp_path)
    path = tmp_path / "record.jsonl"
    record(source, path, count=3, wait=lambda _: None)
    header, *samples = path.read_text().splitlines()
    shown = json.loads(samples[0]) | {"power_w": 9.5}
    lines = [json.dumps(json.loads(header) | {"period_s": 0.05})]
    lines += [json.dumps(shown | {"t_s": 0.05 * k}) for k in range(120)]
    path.write_text("\n".join(lines) + "\n")
    return Citizen(lambda: ReplaySensor(path), 9.5, lambda: None, None)


CITIZENS = (nvml, hwmon, tegrastats, rapl, battery, replay)


@pytest.fixture(params=CITIZENS, ids=lambda kind: kind.__name__)
def citizen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Citizen]:
    with ExitStack() as world:
        yield request.param(tmp_path, world)


@pytest.fixture
def sensor(citizen: Citizen) -> Iterator[Sensor]:
    opened = citizen.open()
    yield opened
    opened.close()


def until(condition: Callable[[], object]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.005)


def looks(sensor: Sensor, count: int) -> list:
    found = []
    for _ in range(count):
        found.append(sensor.sample())
        if not sensor.info.paces_itself:
            time.sleep(0.01)
    return found


def test_a_sensor_says_what_it_is(sensor: Sensor) -> None:
    info = sensor.info
    assert info.source in {"nvml", "hwmon", "tegrastats", "rapl", "battery", "replay"}
    assert len(info.covers.split()) >= 2, "words for people"
    assert 0.0 < info.period_s <= 10.0
    assert 0.0 <= info.resolution_j < 100.0
    assert info.wraps_at_j > 0.0


def test_its_samples_rise_in_time_and_show_what_the_machine_draws(
    citizen: Citizen, sensor: Sensor
) -> None:
    found = looks(sensor, 4)
    times_s = [sample.at_s for sample in found]
    assert times_s == sorted(times_s)
    last = found[-1]
    if math.isnan(last.counter_j):
        assert last.power_w == pytest.approx(citizen.power_w, rel=0.01)
    assert not (math.isnan(last.power_w) and math.isnan(last.counter_j))
    assert math.isnan(last.load) or 0.0 <= last.load <= 1.0
    assert all(rail.name and math.isfinite(rail.power_w) for rail in last.rails)


def test_what_vanished_is_unavailable_or_unknown_and_comes_back(
    citizen: Citizen, sensor: Sensor
) -> None:
    if citizen.come_back is None:
        pytest.skip("a record does not vanish")
    looks(sensor, 2)
    citizen.vanish()
    missing = 0
    for _ in range(3):
        try:
            sample = sensor.sample()
        except Unavailable:
            missing += 1
        else:
            # A line may still have been on its way; a figure of 0 is never made up.
            assert sample.power_w != 0.0
    assert missing
    citizen.come_back()

    def back() -> bool:
        try:
            return bool(looks(sensor, 2)[-1].rails)
        except Unavailable:
            return False

    until(back)


def test_closing_twice_is_closing_once(citizen: Citizen) -> None:
    opened = citizen.open()
    looks(opened, 1)
    opened.close()
    opened.close()


Metered = tuple[PowerMeter, Callable[[], float]]


def simulated(tmp_path: Path) -> PowerMeter:
    clocks_hz = (1e9, 2e9)
    processor = Processor(clock_max_hz=2e9, flop_per_cycle=1.0, pue=1.0, power_coefficient=1e-26)
    board = Board("test", processor, clocks_hz, 2e9, 5.0, 0.0, 0.01, 1e-3)
    return Silicon(board, tmp_path / "board")


@pytest.fixture(params=[*CITIZENS, simulated], ids=lambda kind: kind.__name__)
def meter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Metered]:
    with ExitStack() as world:
        if request.param is simulated:
            board = simulated(tmp_path)
            yield board, lambda: 5.0 * time.monotonic()
            board.close()
            return
        citizen = request.param(tmp_path, world)
        # A busy machine may hold up the test's own counting for a moment.
        sampled = SampledMeter(citizen.open(), idle_power_w=1.0, interval_s=0.1)
        yield sampled, citizen.drawn_j
        sampled.close()


def test_joules_of_a_window_are_within_their_bound_and_of_a_short_one_unknown(
    meter: Metered,
) -> None:
    measured, drawn_j = meter
    until(lambda: not math.isnan(measured.read().energy_j))
    begun, begun_j = measured.read(), drawn_j()
    time.sleep(0.2 * measured.info.period_s)
    assert not measured.spent(begun, measured.read()).known
    until(lambda: measured.read().at_s - begun.at_s > 4.0 * measured.info.period_s)
    after, true_j = measured.read(), drawn_j() - begun_j
    spent, window_s = measured.spent(begun, after), after.at_s - begun.at_s
    assert spent.known
    assert abs(spent.gross_j - true_j) <= spent.error_j
    idle_j = measured.idle_power_w * window_s
    assert spent.above_idle_j == pytest.approx(spent.gross_j - idle_j)
    assert after.breaks == begun.breaks


@pytest.mark.parametrize("kind", [nvml, rapl, battery], ids=lambda kind: kind.__name__)
def test_a_meter_whose_sensor_vanished_knows_nothing_and_goes_on_when_it_is_back(
    kind: Callable[[Path, ExitStack], Citizen], tmp_path: Path
) -> None:
    with ExitStack() as world:
        citizen = kind(tmp_path, world)
        sampled = SampledMeter(citizen.open(), idle_power_w=0.0)
        world.callback(sampled.close)
        until(lambda: not math.isnan(sampled.read().energy_j))
        begun = sampled.read()
        citizen.vanish()
        until(lambda: math.isnan(sampled.read().power_w))
        assert not sampled.spent(begun, sampled.read()).known
        assert sampled.faults.total
        assert citizen.come_back is not None
        citizen.come_back()
        until(lambda: not math.isnan(sampled.read().energy_j))
        assert not sampled.spent(begun, sampled.read()).known
        again = sampled.read()
        until(lambda: sampled.spent(again, sampled.read()).known)
