# SPDX-License-Identifier: Apache-2.0
"""``coinfer calibrate`` writes what it measured, and goes on after an interruption as if none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from coinfer_ros.adapters import board_file, models, profile_file
from coinfer_ros.backends import Machine
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.profile import Device, Profile, to_plain
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.sim.silicon import Silicon
from coinfer_ros.tools import calibrate, cli
from coinfer_ros.tools.arguments import Parser
from coinfer_ros.tools.calibration import assemble, halves
from coinfer_ros.tools.calibration.asked import RUNS_A_VISIT, Asked
from coinfer_ros.tools.calibration.bench import Bench
from coinfer_ros.tools.calibration.partial import Partial
from coinfer_ros.tools.calibration.steps import take

from ..adapters.devices.fake_nvml import FakeNvml

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "git-scenes"
BOARD = board_file.read(ROOT / "config" / "boards" / "jetson_agx_orin.yaml")
DEVICE = Device("a CPU", "", 2, 1, "2.13.0", "simulated", BOARD.name)
HEAD_FLOP = 1e9
LEVELS = (50, 200)  # the greys of two images


class Time:
    """A clock that only sleeping moves, so that a simulated board takes its modelled time exactly.

    The head itself takes none.
    """

    def __init__(self):
        self.now_s = 100.0

    def now(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


def put_images(folder: Path) -> str:
    folder.mkdir()
    for level in LEVELS:
        cv2.imwrite(str(folder / f"{level}.png"), grey(level))
    return str(folder)


def grey(level: int) -> np.ndarray:
    return np.full((64, 64, 3), level, np.uint8)


def asked_for(images: str, **changes) -> Asked:
    settings = {
        "folder": SHIPPED,
        "info": models.describe(SHIPPED),
        "image_px": None,
        "role": "robot",
        "device": DEVICE,
        "widths": (3, 16),
        "clocks_hz": (BOARD.clock_steps_hz[4], BOARD.clock_steps_hz[-1]),
        "samples": 3,
        "flop": HEAD_FLOP,
        "images": images,
        "task": "none",
        "examples": 1,
    }
    return Asked(**(settings | changes))


@pytest.fixture
def nvml(tmp_path):
    with FakeNvml(tmp_path) as fake:
        yield fake


@pytest.fixture
def images(tmp_path):
    return put_images(tmp_path / "images")


class Calibration:
    """One calibration on a board of its own, in any number of processes."""

    def __init__(self, asked, folder):
        folder.mkdir()
        self.asked, self.folder, self.time = asked, folder, Time()
        self.taken = []

    def go_on(self, *, steps=10**6):
        """Do what is left, as a new process would, until so many measurements are there."""
        port = Silicon(BOARD, self.folder / "board", now=self.time.now, sleep=self.time.sleep)
        machine = Machine(port, port, port, True, "", port.interrupt, port.close)
        bench = Bench(machine, now=self.time.now, sleep=self.time.sleep)
        partial = Partial(self.folder / "p.partial", self.asked.settings(), restart=False)

        def keep(key, value):
            partial.keep(key, value)
            self.taken.append(key)
            if len(partial.done) == steps:
                raise KeyboardInterrupt

        found = take(halves.steps(self.asked, bench), partial.done, keep=keep)
        port.close()
        return assemble.profile(self.asked, found, made_at="2026-01-02T03:04:05+00:00")


@pytest.mark.slow
def test_an_interrupted_calibration_equals_one_that_was_not(images, tmp_path):
    asked = asked_for(images, samples=RUNS_A_VISIT + 2, task="scenes", examples=2)
    whole = Calibration(asked, tmp_path / "whole")
    expected = whole.go_on()
    count = len(whole.taken)
    for steps in (1, count // 2):
        interrupted = Calibration(asked, tmp_path / f"{steps}")
        with pytest.raises(KeyboardInterrupt):
            interrupted.go_on(steps=steps)
        assert to_plain(interrupted.go_on()) == to_plain(expected)
        assert interrupted.taken == whole.taken


@pytest.fixture(scope="module")
def profile(tmp_path_factory) -> Profile:
    """A calibration of two widths at two clocks."""
    folder = tmp_path_factory.mktemp("calibration")
    return Calibration(asked_for(put_images(folder / "images")), folder / "run").go_on()


@pytest.mark.slow
def test_times_and_joules_are_those_of_the_board(profile):
    for row, bits in enumerate(profile.widths):
        for column, clock_hz in enumerate(profile.clocks_hz):
            flop = HEAD_FLOP * bits / 16
            seconds = BOARD.processor.delay_s(flop, clock_hz)
            for name in ("p50_s", "p90_s", "p95_s", "p99_s"):
                found = getattr(profile.latency, name)[row, column]
                assert found == pytest.approx(seconds, rel=1e-6)
            joules = BOARD.processor.energy_j(flop, clock_hz)
            error_j = profile.energy.error_j[row, column]
            assert abs(profile.energy.mean_j[row, column] - joules) <= error_j
    assert profile.latency.samples >= 3


@pytest.mark.slow
def test_weights_and_embedding_are_those_of_the_head(profile):
    head = models.open_head(SHIPPED)
    assert profile.weights.weight_rate == pytest.approx(head.weight_rate, rel=1e-9)
    assert profile.weights.count == sum(law.count for law in profile.layers)
    served = profile.distortions[0]
    assert served.quantizer == "served"
    assert served.parameter[0] == head.prepare(3).distortion
    reference = [head.embed(grey(level)).astype(float) for level in LEVELS]
    head.use(head.prepare(3))
    moved = zip(reference, (head.embed(grey(level)) for level in LEVELS), strict=True)
    errors = [float(np.abs(after - before).sum()) for before, after in moved]
    assert served.output[0] == pytest.approx(np.mean(errors), rel=1e-6)
    assert served.output[1] == 0.0
    total = served.parameter[0] * profile.weights.count
    assert profile.steepness == pytest.approx(max(errors) / total, rel=1e-6)
    for other in profile.distortions[1:]:
        for table in (other.parameter, other.output, other.output_share):
            assert (np.diff(table) < 0.0).all()
            assert (table > 0.0).all()
    assert [one.wire_bits for one in profile.wire] == list(WIRE_BITS)
    tokens, channels = head.info.embedding_shape
    assert profile.wire[-1].size_bytes == 4 * tokens * channels


@pytest.mark.slow
def test_what_was_not_measured_is_nan(profile):
    assert profile.quality.examples == 0
    assert np.isnan(profile.quality.exact_match).all()
    assert math.isnan(profile.tokens)


def test_settings_take_turns_and_every_run_is_made_once():
    asked = asked_for("", samples=RUNS_A_VISIT + 2)
    visits = list(asked.visits())
    for bits in asked.widths:
        for clock_hz in asked.clocks_hz:
            own = [v for v in visits if (v.bits, v.clock_hz) == (bits, clock_hz)]
            runs = [v.first + n for v in own for n in range(v.runs)]
            assert runs == list(range(asked.samples))
    # A steady drift falls on both widths alike: their visits are as late on average.
    first_round = visits[: 2 * len(asked.clocks_hz)]
    assert [v.bits for v in first_round] == [3, 3, 16, 16]
    assert [v.bits for v in visits[len(first_round) :]] == [16, 16, 3, 3]
    assert len({visit.key for visit in visits}) == len(visits)


def run(*words):
    return cli.main(["calibrate", str(SHIPPED), *map(str, words)])


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("--role", "robot", "--widths", "8", "4", "--task", "scenes", "--examples", "1"),
        ("--role", "edge", "--backend", "simulated", "--clocks", "2"),
    ],
)
def test_the_command_writes_what_it_prints_and_leaves_nothing_else(tmp_path, images, capsys, words):
    out = tmp_path / "p.json"
    more = ("--samples", "2", "--images", images, "--out", out)
    assert run(*words, *more, "--json") == 0
    profile = profile_file.read(out, name="out")
    assert json.loads(capsys.readouterr().out) == to_plain(profile)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "p.json"]
    if profile.role == "robot":
        assert profile.widths == (4, 8)
        assert profile.own_pace
        assert not profile.metered
        assert profile.quality.examples == 1
    else:
        assert profile.clocks_hz == (210e6, 1695e6)
        assert profile.metered
        assert profile.tokens > 0
    assert run(*words, *more) == 0
    shown = capsys.readouterr().out
    assert "p95, ms" in shown
    assert "2 runs a setting" in shown


def test_on_a_machine_with_a_meter_its_joules_are_measured(tmp_path, nvml):
    nvml.change(load=0.5)
    out = tmp_path / "p.json"
    words = ("--role", "robot", "--backend", "nvml", "--widths", "8", "--samples", "3")
    assert run(*words, "--out", out) == 0
    profile = profile_file.read(out, name="--out")
    assert profile.metered
    assert profile.own_pace
    assert profile.device.backend == "nvml"
    assert not any("Set" in function for function in nvml.calls())


def test_the_clocks_of_a_real_machine_are_its_own_steps(nvml):  # noqa: ARG001
    parser = Parser(prog="coinfer")
    calibrate.add_parser(parser.add_subparsers())
    words = ["calibrate", "m", "--role", "edge", "--out", "p.json", "--backend", "nvml"]
    found = calibrate._clocks(parser.parse_args([*words, "--clocks", "2"]), BOARD)
    assert found == (345e6, 1980e6)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--role", "moon"), "--role must be one of robot, edge, got 'moon'"),
        (("--role", "robot", "--backend", "real"), "--backend must be one of none, simulated"),
        (("--role", "robot", "--widths", "9"), "--widths must be one of 2, 3, 4"),
        (("--role", "robot", "--samples", "0"), "--samples must be a whole number in"),
        (
            ("--role", "robot", "--clocks", "3"),
            "--clocks is for a backend with a clock",
        ),
        (("--role", "robot", "--board", "rtx_3090"), "--board is for --backend simulated"),
        (("--role", "edge", "--widths", "8"), "--widths is for --role robot"),
        (("--role", "edge", "--task", "scenes"), "--task is for --role robot"),
        (("--role", "robot", "--images", "0"), "--images must be a folder or a video file"),
        (("--role", "robot", "--cut", "nowhere"), "nowhere"),
    ],
)
def test_a_bad_argument_is_refused_in_one_line(tmp_path, capsys, words, says):
    assert run(*words, "--out", tmp_path / "p.json") == 2
    errors = capsys.readouterr().err
    assert says in errors
    assert len(errors.splitlines()) <= 2  # beside it, the bar at most
    assert not (tmp_path / "p.json").exists()


def test_what_another_calibration_began_is_refused_unless_restarted(tmp_path, capsys):
    out = tmp_path / "p.json"
    partial = tmp_path / "p.json.partial"
    header = {"format": "coinfer-calibration/1", "settings": {"samples": 7}}
    measured = f"{json.dumps(header)}\n{json.dumps({'key': 'wire', 'value': {'8': 1}})}\n"
    partial.write_text(measured)
    assert run("--role", "robot", "--out", out) == 2
    assert "samples 7 then, 100 now" in capsys.readouterr().err
    assert partial.read_text() == measured


def test_every_width_is_measured_unless_told_otherwise():
    parser = Parser(prog="coinfer")
    calibrate.add_parser(parser.add_subparsers())
    words = ["calibrate", "m", "--role", "robot", "--out", "p.json"]
    assert calibrate._widths(parser.parse_args(words)) == WEIGHT_BITS

    def clocks(*more):
        return calibrate._clocks(parser.parse_args([*words, *more]), BOARD)

    steps, simulated = BOARD.clock_steps_hz, ("--backend", "simulated", "--clocks")
    assert clocks(*simulated, "0") == steps
    assert clocks(*simulated, "1") == steps[-1:]
    assert clocks(*simulated, "2") == (steps[0], steps[-1])
    assert math.isnan(clocks("--backend", "nvml")[0])
