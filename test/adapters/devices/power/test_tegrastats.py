# SPDX-License-Identifier: Apache-2.0
"""The sensor of tegrastats, over a real child program that behaves well or badly."""

from __future__ import annotations

import gc
import itertools
import json
import math
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from coinfer_ros.adapters.devices.power import line_program
from coinfer_ros.adapters.devices.power.tegrastats import TegrastatsSensor
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.ports import Rail

HERE = Path(__file__).parents[1]
LINES = [json.loads(text) for text in (HERE / "data/tegrastats_lines.jsonl").open("rb")]
NANO = next(it["line"] for it in LINES if it["release"] == "JetPack 4.6.1")
AGX_ORIN = next(it["line"] for it in LINES if it["release"] == "L4T 36.4.4")


@pytest.fixture
def nano(tmp_path):
    tree = tmp_path / "root/proc/device-tree"
    tree.mkdir(parents=True)
    (tree / "model").write_bytes(b"NVIDIA Jetson Nano Developer Kit\0")
    return tmp_path / "root"


@pytest.fixture
def run(tmp_path):
    """Return a maker of programs that follow a plan and leave their process number in a file."""

    def program(*steps):
        (tmp_path / "plan.json").write_text(json.dumps(steps))
        words = (sys.executable, "-ISB", HERE / "fake_tegrastats.py", tmp_path / "plan.json")
        command = " ".join(shlex.quote(str(word)) for word in words)
        return script(tmp_path, f'exec {command} "$@"')

    return program


@pytest.fixture
def sensor_of(run):
    """Return a maker of sensors over such programs; all are closed in the end."""
    sensors = []

    def made(*steps, root=Path("/nowhere"), interval_s=0.02):
        sensors.append(TegrastatsSensor(run(*steps), root, interval_s))
        return sensors[-1]

    yield made
    for sensor in sensors:
        sensor.close()


def script(folder, body):
    path = folder / "tegrastats"
    path.write_text(f"#!/bin/sh\necho $$ >> {shlex.quote(str(folder / 'pids'))}\n{body}\n")
    path.chmod(0o755)
    return str(path)


def pids(folder):
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def reaped(pid):
    return not Path(f"/proc/{pid}").exists()


def ends_within(seconds, pid):
    until = time.monotonic() + seconds
    while lives(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not lives(pid)


def test_each_line_is_a_sample_with_the_boards_total_and_all_rails(sensor_of, nano):
    before = time.monotonic()
    sensor = sensor_of(["line", NANO], ["repeat"], root=nano)
    first, second = sensor.sample(), sensor.sample()
    assert first.power_w == pytest.approx(1.75)
    assert first.rails == (
        Rail("POM_5V_IN", 1.75),
        Rail("POM_5V_GPU", 0.0),
        Rail("POM_5V_CPU", 0.366),
    )
    assert (first.temperature_c, first.load) == (40.0, 0.0)
    assert math.isnan(first.counter_j)
    assert before < first.at_s < second.at_s <= time.monotonic()
    assert sensor.info.source == "tegrastats"
    assert "Jetson Nano" in sensor.info.covers
    assert sensor.info.paces_itself
    assert sensor.faults.total == 0


def test_a_gpu_without_power_leaves_the_temperature_of_the_processor(sensor_of):
    assert sensor_of(["line", AGX_ORIN], ["repeat"]).sample().temperature_c == 52.343


def test_an_unknown_board_has_rails_but_no_total_and_says_why(sensor_of):
    sensor = sensor_of(["line", NANO], ["repeat"])
    sample = sensor.sample()
    assert math.isnan(sample.power_w)
    assert len(sample.rails) == 3
    assert "not in the table" in sensor.info.covers
    assert sensor.faults.counts == {"total not known": 1}


def test_a_line_that_lacks_a_rail_of_the_total_has_no_total(sensor_of, nano):
    sensor = sensor_of(["line", "RAM 1/2MB POM_5V_CPU 366/406 "], ["repeat"], root=nano)
    sample = sensor.sample()
    assert math.isnan(sample.power_w)
    assert sample.rails == (Rail("POM_5V_CPU", 0.366),)
    assert sensor.faults.last == "rail of the total missing: POM_5V_IN"


def test_what_is_no_reading_is_skipped_and_counted(sensor_of):
    long = "x" * (line_program.LONGEST_LINE + 1)
    sensor = sensor_of(
        ["line", "Not enough privileges, see --help"],
        ["line", long],
        ["raw", long],
        ["stall", 0.1],
        ["line", "POM_5V_IN 1/1"],  # the end of the long line
        ["raw", "\x00\x1b[31m\n"],
        ["stall", 0.1],
        ["line", "RAM 1/2MB VDD_CPU_CV -1398mW/-398mW cpu@40C "],
        ["line", NANO],
        ["stall", 60],
        interval_s=0.1,  # far more than a line needs to be read
    )
    assert [sensor.sample().rails for _ in range(2)][1][0] == Rail("POM_5V_IN", 1.75)
    assert sensor.faults.counts == {
        "total not known": 1,
        "line is no reading": 2,
        "line too long": 2,
        "absurd power": 1,
    }


def test_of_lines_that_came_together_the_newest_is_returned_once_with_the_time_it_came(run):
    program = run(["raw", "RAM 1/2MB VIN 1mW/1mW \nRAM 1/2MB VIN 2mW/2mW \n"], ["stall", 60])
    sensor = TegrastatsSensor(program, interval_s=0.02, now=itertools.count(7.0).__next__)
    try:
        sample = sensor.sample()
        assert (sample.at_s, sample.rails) == (8.0, (Rail("VIN", 0.002),))
        with pytest.raises(Unavailable, match="is silent"):
            sensor.sample()
    finally:
        sensor.close()


def test_a_program_that_ends_says_its_status_and_last_words_and_is_started_again(
    sensor_of, tmp_path
):
    sensor = sensor_of(["line", NANO], ["error", "i2c: bus\n\tis gone\n"], ["exit", 3])
    assert sensor.sample().rails
    with pytest.raises(Unavailable, match="ended with status 3: i2c: bus is gone"):
        sensor.sample()
    assert sensor.sample().rails
    first, second = pids(tmp_path)
    assert reaped(first)
    assert first != second


def test_a_program_that_always_fails_is_started_less_and_less_often(sensor_of, tmp_path):
    sensor = sensor_of(["exit", 1], interval_s=0.1)
    for pause_s in (0.0, 0.1, 0.2, 0.4):
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="ended with status 1"):
            sensor.sample()
        assert time.monotonic() - begun >= pause_s
    assert len(pids(tmp_path)) == 4


def test_a_silent_program_is_not_waited_for_and_is_ended(sensor_of, tmp_path):
    sensor = sensor_of(["raw", "RAM 1/2MB VDD_IN 49"], ["stall", 60])
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="is silent"):
        sensor.sample()
    assert time.monotonic() - begun < 30  # half of its stall
    assert reaped(pids(tmp_path)[0])


def test_half_a_line_before_the_end_is_no_sample(sensor_of):
    sensor = sensor_of(["raw", "RAM 1/2MB VDD_IN 4900/4900 VDD_SOC 49"], ["exit", 0])
    with pytest.raises(Unavailable, match="ended with status 0"):
        sensor.sample()


def test_a_program_that_is_missing_is_named(tmp_path):
    with pytest.raises(Unavailable, match=f"{tmp_path}/tegrastats must be an installed program"):
        TegrastatsSensor(str(tmp_path / "tegrastats"))


def test_a_program_that_goes_missing_is_unavailable_until_it_is_back(sensor_of, tmp_path):
    sensor = sensor_of(["line", NANO], ["repeat"])
    (tmp_path / "tegrastats").rename(tmp_path / "away")
    with pytest.raises(Unavailable, match="must run: No such file"):
        sensor.sample()
    (tmp_path / "away").rename(tmp_path / "tegrastats")
    assert sensor.sample().rails


@pytest.mark.parametrize("interval_s", [0.0, -1.0, math.nan, 1e6, "0.1"])
def test_an_interval_out_of_range_is_refused(interval_s):
    with pytest.raises(InvalidInput, match="interval_s"):
        TegrastatsSensor(sys.executable, interval_s=interval_s)


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM"])
def test_close_ends_the_program_and_reaps_it_even_if_it_will_not(tmp_path, stubborn):
    sensor = TegrastatsSensor(
        script(
            tmp_path, f"{stubborn}\nwhile :; do echo 'GPU@40C RAM 1/2MB GPU@40C '; sleep 0.05; done"
        )
    )
    sensor.sample()
    (pid,) = pids(tmp_path)
    sensor.close()
    sensor.close()
    assert reaped(pid)
    with pytest.raises(Unavailable, match="closed"):
        sensor.sample()


def test_close_ends_a_wait_in_another_thread(sensor_of, tmp_path):
    sensor = sensor_of(["line", NANO], ["stall", 60], interval_s=30.0)
    sensor.sample()
    ended = []

    def wait_for_more():
        with pytest.raises(Unavailable):
            sensor.sample()
        ended.append(True)

    thread = threading.Thread(target=wait_for_more)
    thread.start()
    time.sleep(0.05)
    sensor.close()
    thread.join(5.0)
    assert ended
    assert reaped(pids(tmp_path)[0])


def test_a_forgotten_sensor_leaves_no_program(run, tmp_path):
    sensor = TegrastatsSensor(run(["line", NANO], ["repeat"]), interval_s=0.02)
    sensor.sample()
    del sensor
    gc.collect()
    assert reaped(pids(tmp_path)[0])


PARENT = """
import sys, time
from coinfer_ros.adapters.devices.power.tegrastats import TegrastatsSensor
sensor = TegrastatsSensor(sys.argv[1], interval_s=0.05)
sensor.sample()
print("ready", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.mark.parametrize("killed", [True, False])
def test_the_program_does_not_outlive_its_parent(tmp_path, killed):
    # A shell keeps the SIGPIPE that it is given, as a program in C does.
    program = script(tmp_path, "while :; do echo 'RAM 1/2MB GPU@40C '; sleep 0.05; done")
    command = [sys.executable, "-c", PARENT, program, "60" if killed else "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE.parents[2]) as parent:
        assert parent.stdout.readline() == b"ready\n"
        (pid,) = pids(tmp_path)
        if killed:
            assert lives(pid)
            os.kill(parent.pid, signal.SIGKILL)
    ended = ends_within(5.0, pid)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    assert ended
