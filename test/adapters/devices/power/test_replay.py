# SPDX-License-Identifier: Apache-2.0
"""Recorded power is replayed as it was, under its own name, and bad records are refused."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.adapters.devices.power.record import record
from coinfer_ros.adapters.devices.power.replay import ReplaySensor
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import Rail, Sample, SensorInfo

HERE = Path(__file__).parents[1]
LINES = [json.loads(text) for text in (HERE / "data/tegrastats_lines.jsonl").open("rb")]
NANO = next(it["line"] for it in LINES if it["release"] == "JetPack 4.6.1")
THOR = next(it["line"] for it in LINES if it["board"] == "Jetson AGX Thor")
HEADER = {
    "format": "coinfer-power/1",
    "source": "nvml",
    "covers": "GPU 0, whole board",
    "period_s": 0.1,
    "resolution_j": 0.001,
}


class Clock:
    """A clock that only a wait moves."""

    def __init__(self, now_s=0.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds


class Listed:
    """A sensor that gives these samples."""

    def __init__(self, samples, info):
        self.info, self.faults, self.samples = info, Faults(), iter(samples)

    def sample(self):
        return next(self.samples)

    def close(self):
        pass


def written(folder, *lines):
    path = folder / "trace.jsonl"
    path.write_text("".join((it if isinstance(it, str) else json.dumps(it)) + "\n" for it in lines))
    return path


def replayed(path, clock=None, **options):
    clock = clock or Clock()
    return ReplaySensor(path, clock, wait=clock.wait, **options)


def all_of(sensor):
    """Return all samples, gaps or not."""
    samples = []
    while True:
        try:
            samples.append(sensor.sample())
        except Unavailable as error:
            if "the trace has ended" in str(error):
                return samples


def test_samples_come_at_their_recorded_times_after_the_first_call(tmp_path):
    clock = Clock(100.0)
    rows = [{"t_s": 5.0 + t, "power_w": w} for t, w in ((0.0, 10), (0.1, 11), (0.25, 12))]
    sensor = replayed(written(tmp_path, HEADER, *rows), clock)
    clock.wait(50.0)
    samples = []
    for due_s in (150.0, 150.1, 150.25):
        samples.append(sensor.sample())
        assert clock() == pytest.approx(due_s)
    assert [sample.at_s for sample in samples] == pytest.approx([150.0, 150.1, 150.25])
    assert [sample.power_w for sample in samples] == [10, 11, 12]
    assert math.isnan(samples[0].counter_j)
    with pytest.raises(Unavailable, match="the trace has ended"):
        sensor.sample()


def test_a_reader_that_comes_late_gets_the_newest_sample_that_is_due(tmp_path):
    clock = Clock()
    rows = [{"t_s": t / 10, "power_w": t} for t in range(10)]
    sensor = replayed(written(tmp_path, HEADER, *rows), clock)
    sensor.sample()
    clock.wait(0.55)
    assert sensor.sample().power_w == 5
    assert clock() == pytest.approx(0.55)
    assert sensor.sample().power_w == 6


def test_a_gap_in_the_record_holds_nobody_up(tmp_path):
    clock = Clock()
    rows = [{"t_s": t, "power_w": 1} for t in (0.0, 0.1, 0.2, 0.3, 0.4, 9.9)]
    sensor = replayed(written(tmp_path, HEADER, *rows), clock)
    while clock() < 0.35:
        sensor.sample()
    # 9.9 s in 5 steps, of which it waits for three
    with pytest.raises(Unavailable, match=r"nothing was recorded for 9\.5 s"):
        sensor.sample()
    assert clock() == pytest.approx(0.4 + 3 * 9.9 / 5)
    assert sensor.sample().at_s == 9.9


def test_replayed_figures_never_look_measured(tmp_path):
    info = replayed(written(tmp_path, HEADER, {"t_s": 0, "power_w": 1})).info
    assert info.source == "replay"
    assert info.covers == "trace.jsonl, recorded from nvml: GPU 0, whole board"
    assert (info.period_s, info.resolution_j, info.wraps_at_j) == (0.1, 0.001, math.inf)
    assert info.paces_itself


def test_a_loop_goes_on_with_time_and_counter(tmp_path):
    # 10 W throughout: 1 J for each step of 0.1 s, also for that from the end to the beginning
    rows = [{"t_s": t / 10, "power_w": 10, "counter_j": 500 + t} for t in range(4)]
    sensor = replayed(written(tmp_path, HEADER, *rows), loop=True)
    samples = [sensor.sample() for _ in range(11)]
    assert [it.at_s for it in samples] == pytest.approx([t / 10 for t in range(11)])
    assert [it.counter_j for it in samples] == pytest.approx([500 + t for t in range(11)])


def test_a_loop_over_a_counter_that_wraps_goes_on_wrapping(tmp_path):
    header = HEADER | {"wraps_at_j": 10.0}
    rows = [{"t_s": t / 10, "counter_j": (8 + t) % 10} for t in range(4)]
    sensor = replayed(written(tmp_path, header, *rows), loop=True)
    samples = [sensor.sample() for _ in range(11)]
    assert [it.counter_j for it in samples] == pytest.approx([(8 + t) % 10 for t in range(11)])
    assert sensor.info.wraps_at_j == 10.0


FINITE = st.floats(0.0, 1e4)
MAYBE = FINITE | st.just(math.nan)
SAMPLES = st.lists(
    st.builds(
        Sample,
        at_s=st.just(0.0),
        power_w=FINITE,
        counter_j=MAYBE,
        rails=st.lists(st.builds(Rail, st.text(), FINITE), unique_by=lambda it: it.name).map(tuple),
        temperature_c=MAYBE.map(lambda it: it / 100),
        load=MAYBE.map(lambda it: it / 1e4),
    ),
    min_size=1,
    max_size=5,
)


@given(SAMPLES, st.floats(-1e3, 1e6))
def test_what_is_recorded_is_replayed_the_same(tmp_path_factory, samples, start_s):
    samples = [
        Sample(start_s + i, it.power_w, it.counter_j, it.rails, it.temperature_c, it.load)
        for i, it in enumerate(samples)
    ]
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    clock = Clock()
    info = SensorInfo("rapl", "package 0", 0.5, 0.25, wraps_at_j=2.0**20)
    record(Listed(samples, info), path, count=len(samples), wait=clock.wait)
    assert clock() == pytest.approx(0.5 * (len(samples) - 1))
    sensor = replayed(path, Clock(start_s))
    assert (sensor.info.resolution_j, sensor.info.wraps_at_j) == (0.25, 2.0**20)
    found = all_of(sensor)
    assert len(found) == len(samples)
    for sample, again in zip(samples, found, strict=True):
        assert again.at_s == pytest.approx(sample.at_s)
        assert again.rails == sample.rails
        for name in ("power_w", "counter_j", "temperature_c", "load"):
            assert getattr(again, name) == pytest.approx(getattr(sample, name), rel=0, nan_ok=True)


def test_a_sensor_that_paces_itself_is_recorded_at_its_own_pace(tmp_path):
    info = SensorInfo("tegrastats", "module", 0.1, 0.0, paces_itself=True)
    clock = Clock()
    samples = [Sample(0.0, 1.0), Sample(0.1, 2.0)]
    record(Listed(samples, info), tmp_path / "trace.jsonl", count=2, wait=clock.wait)
    assert clock() == 0.0


def test_what_was_recorded_before_the_sensor_failed_is_kept(tmp_path):
    class Failing(Listed):
        def sample(self):
            found = next(self.samples, None)
            if found is None:
                raise Unavailable("gone")
            return found

    path = tmp_path / "trace.jsonl"
    info = SensorInfo("hwmon", "module", 0.1, 0.0, paces_itself=True)
    with pytest.raises(Unavailable, match="gone"):
        record(Failing([Sample(0.0, 7.0)], info), path, count=9)
    assert [sample.power_w for sample in all_of(replayed(path))] == [7.0]


def test_bad_lines_are_skipped_and_counted(tmp_path):
    path = written(
        tmp_path,
        HEADER,
        {"t_s": 0.0, "power_w": 1.0},
        "",
        "{",
        "[" * 100_000,
        "[1]",
        {"power_w": 1.0},
        {"t_s": 0.1},
        {"t_s": 0.1, "power_w": -1.0},
        {"t_s": 0.1, "power_w": True},
        '{"t_s": 0.1, "power_w": NaN}',
        '{"t_s": 0.1, "power_w": ' + "9" * 5000 + "}",
        {"t_s": 0.1, "power_w": 1.0, "rails": {"VDD_IN": "1"}},
        {"t_s": 0.1, "power_w": 1.0, "rails": [1]},
        {"t_s": 0.0, "power_w": 1.0},
        {"t_s": 0.2, "power_w": 2.0},
        '{"t_s": 0.3, "power_w": 3',
    )
    sensor = replayed(path)
    assert [sample.power_w for sample in all_of(sensor)] == [1.0, 2.0]
    assert sensor.faults.counts == {"line is no sample": 12, "time does not rise": 1}


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([], "got nothing"),
        (["\x00\x01", "hello"], r"got '\\x00\\x01\\n'.*line without a rail"),
        ([HEADER], "at least one sample"),
        ([HEADER, "{}"], "1 x line is no sample"),
        ([HEADER | {"format": "coinfer-power/2"}], "format must be 'coinfer-power/1', got"),
        ([HEADER | {"period_s": 0}], r"period_s must be in \(0.0, 100000.0\] s, got 0"),
        ([HEADER | {"covers": None}], "covers must be a text, got None"),
        (["{"], "a line must be JSON, got"),
        ([NANO, NANO], "needs device.trace_interval_s above 0"),
    ],
)
def test_a_file_without_a_trace_is_refused_with_its_name(tmp_path, lines, what):
    path = written(tmp_path, *lines)
    with pytest.raises(InvalidInput, match=f"(?s){path}.*{what}"):
        replayed(path)


def test_a_file_that_is_not_there_is_unavailable_and_one_that_cannot_be_written_too(tmp_path):
    with pytest.raises(Unavailable, match="none must be readable: No such file"):
        replayed(tmp_path / "none")
    sensor = Listed([Sample(0.0, 1.0)], SensorInfo("hwmon", "it", 0.1, 0.0))
    with pytest.raises(Unavailable, match="must be writable"):
        record(sensor, tmp_path / "no/folder", count=1)
    with pytest.raises(InvalidInput, match="count"):
        record(sensor, tmp_path / "trace", count=0)


def test_a_counter_that_begins_anew_within_a_record_is_left_out_of_its_loop(tmp_path):
    header = HEADER | {"wraps_at_j": 1e6}
    lines = [{"t_s": t, "power_w": 40.0, "counter_j": j} for t, j in ((0, 500), (1, 540), (2, 3))]
    path = written(tmp_path, *map(json.dumps, (header, *lines)))
    sensor = ReplaySensor(path, loop=True, wait=lambda _: None)
    assert math.isnan(sensor.sample().counter_j)
    assert "counter begins anew within the record" in sensor.faults.counts


def test_a_log_of_tegrastats_is_replayed_at_the_given_interval(tmp_path):
    sensor = replayed(written(tmp_path, NANO, "garbage", NANO), interval_s=0.5)
    first, second = all_of(sensor)
    assert (first.at_s, second.at_s) == (0.0, 1.0)
    assert first.power_w == pytest.approx(1.75)
    assert first.rails[0] == Rail("POM_5V_IN", 1.75)
    assert first.temperature_c == 40.0
    assert (sensor.info.source, sensor.info.period_s) == ("replay", 0.5)
    assert "trace.jsonl, a log of tegrastats" in sensor.info.covers
    assert sensor.faults.counts == {"line without a rail": 1}


@pytest.mark.parametrize(
    "golden", [it for it in LINES if it["rails"]], ids=lambda it: f"{it['board']}, {it['release']}"
)
def test_the_total_of_a_log_is_that_of_the_boards_with_such_rails(tmp_path, golden):
    rails = {name: now_w for name, now_w, _ in golden["rails"]}
    if "AGX Xavier" in golden["board"]:
        total_w = sum(rails.values())
    elif "AGX Orin" in golden["board"]:
        total_w = rails["VDD_GPU_SOC"] + rails["VDD_CPU_CV"] + rails["VIN_SYS_5V0"]
    else:
        inputs = (rails[name] for name in ("VDD_IN", "POM_5V_IN", "VIN") if name in rails)
        total_w = next(inputs, math.nan)
    sensor = replayed(written(tmp_path, golden["line"]), interval_s=1.0)
    assert sensor.sample().power_w == pytest.approx(total_w, nan_ok=True)
    assert ("no total" in sensor.info.covers) == math.isnan(total_w)


def test_rails_by_which_boards_differ_give_no_total(tmp_path):
    path = written(tmp_path, "RAM 1/2MB VDD_IN 3mW/3mW VIN 5mW/5mW GPU@40C ")
    assert math.isnan(replayed(path, interval_s=1.0).sample().power_w)


def dated(*seconds):
    return [f"07-02-2026 13:{s // 60:02d}:{s % 60:02d} {THOR[20:]}" for s in seconds]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 2, 3, 5, 6], [0, 1.5, 3, 4.5, 6]),  # every 1.5 s
        ([0, 0, 1, 1, 2], [0, 0.5, 1, 1.5, 2]),
        ([0, 1, 2, 600, 601], [0, 1, 2, 600, 601]),  # a pause
        ([5, 6, 2, 3, 4], [0, 1, 2, 3, 4]),  # a clock set back
    ],
)
def test_the_dates_of_a_log_give_its_times(tmp_path, seconds, expected):
    samples = all_of(replayed(written(tmp_path, *dated(*seconds))))
    assert [sample.at_s for sample in samples] == pytest.approx(expected)
    assert samples[0].power_w == pytest.approx(87.426)


def test_close_ends_a_wait(tmp_path):
    path = written(
        tmp_path, HEADER | {"period_s": 600}, *({"t_s": t, "power_w": 1} for t in (0, 900))
    )
    sensor = ReplaySensor(path)
    sensor.sample()
    ended = []

    def wait_for_more():
        with pytest.raises(Unavailable, match="must not be closed"):
            sensor.sample()
        ended.append(True)

    thread = threading.Thread(target=wait_for_more)
    thread.start()
    sensor.close()
    sensor.close()
    thread.join(5.0)
    assert ended


@given(st.binary() | st.binary().map(lambda it: json.dumps(HEADER).encode() + b"\n" + it))
def test_no_file_makes_it_fail_otherwise(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("trace") / "trace"
    path.write_bytes(content)
    try:
        sensor = replayed(path)
    except InvalidInput as error:
        sensor = None
        named = str(path) in str(error)
    assert all_of(sensor) if sensor else named
