# SPDX-License-Identifier: Apache-2.0
"""``coinfer simulate`` runs, goes on where it was, repeats itself by seed and refuses by name."""

from __future__ import annotations

import argparse
import csv
from functools import partial
from pathlib import Path

import cv2
import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.parameters import RobotSettings
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics
from coinfer_ros.sim.task.link import RETRIES, SILENCE_S
from coinfer_ros.sim.task.machines import TIMEOUT_S
from coinfer_ros.sim.task.record import Outcome, Record
from coinfer_ros.tools import cli
from coinfer_ros.tools import simulate as command
from coinfer_ros.tools.arguments import Parser
from coinfer_ros.tools.resumable.crew import run_all
from coinfer_ros.tools.simulate import MODEL, experiment
from coinfer_ros.tools.simulating.cases import NO_LIMIT, SWEEPS, Case, cases
from coinfer_ros.tools.simulating.episodes import EPISODES, Key
from coinfer_ros.tools.simulating.results import results
from coinfer_ros.tools.simulating.worker import run_episode

from .interrupting import interrupted

try:
    use_offscreen_graphics()  # before MuJoCo is imported, which chooses once how it draws
except Unavailable as missing:
    pytest.skip(str(missing), allow_module_level=True)

ROOT = Path(__file__).parents[2]
# It answers other questions, so nothing is ever found: what is tried here is the command.
ANY_MODEL = str(ROOT / "models" / "blip2-scenes")
SHORT = ("--model", ANY_MODEL, "--only", "bits", "--limit-s", "0.6")
EPISODES_A_CASE = 6


def simulate(folder: Path, *words: str) -> int:
    return cli.main(["simulate", "--out", str(folder), *words])


def parse(*words: str) -> argparse.Namespace:
    parser = Parser(prog="coinfer")
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["simulate", *words])


def rows(folder: Path) -> list[str]:
    return sorted((folder / EPISODES).read_text().splitlines()[1:])


@pytest.mark.slow
def test_stopped_by_ctrl_c_it_goes_on_where_it_was_and_repeats_itself_bit_by_bit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    words = ("simulate", "--out", str(parts), *SHORT, "--episodes", "500", "--workers", "1")
    said = interrupted(*words, once=parts / EPISODES, has_lines=2)
    kept = rows(parts)
    assert f"{len(kept)} episodes are kept" in said
    assert not (parts / "table.csv").exists()
    assert simulate(parts, *SHORT, "--episodes", "2", "--workers", "1") == 0
    assert set(kept) <= set(rows(parts))
    assert simulate(whole, *SHORT, "--episodes", "2", "--workers", "2") == 0
    assert set(rows(whole)) <= set(rows(parts))
    assert len(rows(whole)) == 2 * len(cases(["bits"]))
    assert (whole / "table.csv").read_bytes() == (parts / "table.csv").read_bytes()
    assert simulate(parts, *SHORT, "--seed", "1") == 2
    told = capsys.readouterr()
    assert "differs in seed" in told.err
    assert "most is found at 2 bits, 0 %" in told.out
    table = list(csv.DictReader((whole / "table.csv").open()))
    assert [row["at"] for row in table] == [case.at for case in cases(["bits"])]
    assert all(row["episodes"] == row["timed_out"] == "2" for row in table)
    assert all(float(row["wrong"]) == 1.0 for row in table)
    assert cv2.imread(str(whole / "bits.png")).std() > 5.0


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--object", "red herring"), 2, "the object must be a colour of"),
        (("--model", "models/none"), 1, "model.path must be a folder"),
        (("--robot-board", "toaster"), 1, "board.file must be a YAML file or one of"),
        (("--only", "luck"), 2, "invalid choice: 'luck'"),
        (("--episodes", "0"), 2, "--episodes must be a whole number in"),
        (("--limit-s", "0"), 2, "--limit-s must be in"),
        (("--workers", "0"), 2, "--workers must be"),
        (("--head-flop", "nan"), 2, "--head-flop must be"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, str],
    status: int,
    says: str,
) -> None:
    known = () if words[0] == "--model" else ("--model", ANY_MODEL)
    assert simulate(tmp_path / "out", *known, *words) == status
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / MODEL).is_dir(), reason=f"{MODEL} is not here yet")
def test_the_shipped_model_finds_less_with_two_bits_and_in_two_seconds_than_in_between() -> None:
    # A minute of the experiments by a fixed seed: both ends of the delay sweep and its middle.
    arguments = parse("--model", str(ROOT / MODEL), "--limit-s", "12")
    ample = {case.at: case for case in cases(["delay"]) if case.line == NO_LIMIT}
    chosen = [ample[at] for at in ("0.06 s", "0.35 s", "2.5 s")]
    records: dict[Key, Record] = {}

    def done(piece: tuple[Case, int], record: Record) -> None:
        records[piece[0].name, piece[1]] = record

    run_all(
        partial(run_episode, experiment(arguments)),
        [(case, number) for number in range(EPISODES_A_CASE) for case in chosen],
        workers=2,
        stopping=lambda: False,
        done=done,
        lost=pytest.fail,
    )
    coarse, middle, slow = results(chosen, records, episodes=EPISODES_A_CASE, limit_s=12.0)
    assert (coarse.bits, slow.bits) == (2.0, 16.0)
    assert slow.age_s > 2.0
    assert coarse.age_s < 0.1
    assert middle.count(Outcome.FOUND) > coarse.count(Outcome.FOUND)
    assert middle.count(Outcome.FOUND) > slow.count(Outcome.FOUND)


def test_the_simulated_robot_waits_and_sends_again_as_the_robot_node_does_by_default() -> None:
    robot = RobotSettings()
    assert (robot.timeout_s, robot.retries, robot.silence_s) == (TIMEOUT_S, RETRIES, SILENCE_S)


def test_every_sweep_can_be_asked_for() -> None:
    assert SWEEPS == ("delay", "energy", "bits", "link")
