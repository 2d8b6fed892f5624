# SPDX-License-Identifier: Apache-2.0
"""`coinfer solve --pareto`: what no other setting beats, as numbers, a table and a picture."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import coinfer_ros
from coinfer_ros.adapters import profile_file
from coinfer_ros.core.costs import BLIP2, PAPER_EDGE, PAPER_ROBOT, System
from coinfer_ros.core.profile import Energy, Latency, Profile
from coinfer_ros.tools.cli import main

DATA = Path(__file__).parents[1] / "adapters" / "data"
FILES = [str(DATA / f"{role}_profile.json") for role in ("robot", "edge")]
ROBOT, EDGE = (profile_file.read(Path(file), name="data") for file in FILES)
MEASURED = ["--robot-profile", FILES[0], "--edge-profile", FILES[1]]
FREE = ["--robot-flop", str(BLIP2.robot_flop), "--edge-flop", str(BLIP2.edge_flop)]
POINT = ["bits", "robot_clock_hz", "edge_clock_hz", "delay_s", "energy_j"]
NONE = ["--deadline-s", "inf", "--energy-j", "inf"]
COSTS = ("delay_s", "energy_j", "embedding_error")
Capture = pytest.CaptureFixture[str]
Point = dict[str, Any]


def pareto(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["solve", "--pareto", *words, "--json"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert output.count("\n") == 1
    answer: dict[str, Any] = json.loads(output)
    assert list(answer) == ["frontier", "plan", "clock_steps"]
    return answer


def table(capsys: Capture, *words: str) -> str:
    assert main(["solve", "--pareto", *words]) == 0
    return capsys.readouterr().out


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def refusal(capsys: Capture, *words: str, status: int = 2) -> str:
    assert main(["solve", *words]) == status
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    return errors


@pytest.fixture
def unmetered(tmp_path: Path) -> Callable[[Profile], str]:
    """Write a profile of a machine that has neither a clock to set nor a power meter."""

    def write(profile: Profile) -> str:
        nothing = np.full((len(profile.widths), 1), math.nan)
        percentiles = (getattr(profile.latency, f"p{p}_s")[:, :1] for p in (50, 90, 95, 99))
        changed = dataclasses.replace(
            profile,
            clocks_hz=(math.nan,),
            latency=Latency(*percentiles, samples=5),
            energy=Energy(nothing, nothing),
        )
        path = tmp_path / f"{profile.role}.json"
        profile_file.write(changed, path)
        return str(path)

    return write


def measured(profile: Profile) -> list[tuple[int, float, float, float]]:
    """Return width's row, clock, seconds and joules of every measured setting."""
    places = itertools.product(range(len(profile.widths)), enumerate(profile.clocks_hz))
    return [
        (row, hz, float(profile.latency.p95_s[row, col]), float(profile.energy.mean_j[row, col]))
        for row, (col, hz) in places
    ]


def every_setting() -> list[Point]:
    assert ROBOT.losses is not None
    return [
        {
            "bits": ROBOT.widths[row],
            "robot_clock_hz": robot_hz,
            "edge_clock_hz": edge_hz,
            "delay_s": robot_s + edge_s,
            "energy_j": robot_j + edge_j,
            "embedding_error": ROBOT.losses[row],
        }
        for (row, robot_hz, robot_s, robot_j), (_, edge_hz, edge_s, edge_j) in itertools.product(
            measured(ROBOT), measured(EDGE)
        )
    ]


def unbeaten(points: Sequence[Point]) -> list[Point]:
    """Return what the frontier is by its definition."""
    costs = [tuple(point[name] for name in COSTS) for point in points]
    return [
        point
        for point, own in zip(points, costs, strict=True)
        if not any(
            other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in costs
        )
    ]


def test_the_frontier_of_two_profiles_is_what_no_other_of_their_settings_beats(
    capsys: Capture,
) -> None:
    answer = pareto(capsys, *MEASURED)
    expected = sorted(unbeaten(every_setting()), key=lambda one: (one["bits"], one["delay_s"]))
    assert answer["frontier"] == expected
    assert 0 < len(answer["frontier"]) < len(every_setting())
    assert answer["clock_steps"] is None


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--deadline-s", "0.2"], lambda point: point["delay_s"] <= 0.2),
        (["--energy-j", "1.5"], lambda point: point["energy_j"] <= 1.5),
        (["--embedding-error-max", repr(ROBOT.losses[4])], lambda point: point["bits"] >= 6),
        (["--max-bits", "7"], lambda point: point["bits"] <= 7),
    ],
)
def test_budgets_leave_what_keeps_them_and_the_plan_is_the_one_without_pareto(
    capsys: Capture, words: list[str], kept: Callable[[Point], bool]
) -> None:
    every = pareto(capsys, *MEASURED)["frontier"]
    answer = pareto(capsys, *MEASURED, *words)
    assert answer["frontier"] == [point for point in every if kept(point)]
    assert (
        main(["solve", *MEASURED, *NONE, *words, "--json"]) == 0
    )  # of a flag given twice: the last
    assert answer["plan"] == json.loads(capsys.readouterr().out)
    assert {name: answer["plan"][name] for name in (*POINT, COSTS[2])} in answer["frontier"]


def test_free_clocks_are_looked_at_over_a_grid_that_is_told(capsys: Capture) -> None:
    answer = pareto(capsys, *FREE, "--deadline-s", "3.5", "--energy-j", "2")
    assert answer["clock_steps"] == 64
    system = System(PAPER_ROBOT, PAPER_EDGE, BLIP2)
    for point in answer["frontier"]:
        setting = [point[name] for name in POINT[:3]]
        assert point["delay_s"] == pytest.approx(system.delay_s(*setting), rel=1e-14)
        assert point["energy_j"] == pytest.approx(system.energy_j(*setting), rel=1e-14)
        assert point["robot_clock_hz"] % (2e9 / 64) == point["edge_clock_hz"] % (10e9 / 64) == 0
        assert (point["distortion_upper"] is None) == (point["bits"] == 1)
    assert answer["plan"]["bits"] == 5
    good = pareto(capsys, *FREE, "--distortion-max", "0.13")["frontier"]  # D^U of 4 bits: 0.127
    assert {point["bits"] for point in good} == set(range(4, 17))
    words = [*FREE, "--deadline-s", "3.5", "--energy-j", "2", "--clock-steps", "256"]
    finer = pareto(capsys, *words)
    assert finer["clock_steps"] == 256
    assert finer["plan"]["energy_j"] < answer["plan"]["energy_j"]  # all of 64 are among 256
    assert "over a grid of 256 x 256 (--clock-steps)" in table(capsys, *words)


def test_no_budget_is_needed_and_none_that_breaks_its_rule_is_taken(capsys: Capture) -> None:
    words = ["--pareto", *FREE]
    assert len(pareto(capsys, *FREE, "--clock-steps", "4")["frontier"]) > 16
    assert refusal(capsys, *words, "--deadline-s", "nan").startswith("coinfer: --deadline-s must ")
    assert refusal(capsys, *words, "--energy-j", "0").startswith("coinfer: --energy-j must be ")


def test_a_budget_that_nothing_keeps_leaves_no_frontier_and_the_reason(capsys: Capture) -> None:
    answer = pareto(capsys, *MEASURED, "--deadline-s", "0.001")
    assert answer["frontier"] == []
    assert answer["plan"]["status"] == "infeasible"
    least_s = answer["plan"]["nearest_deadline_s"]
    assert len(pareto(capsys, *MEASURED, "--deadline-s", repr(least_s))["frontier"]) == 1
    assert "no setting keeps the budgets" in table(capsys, *MEASURED, "--deadline-s", "0.001")


def test_people_get_few_settings_one_by_one_with_the_plan_marked(capsys: Capture) -> None:
    words = [*MEASURED, "--deadline-s", "0.2", "--energy-j", "2"]
    count = len(pareto(capsys, *words)["frontier"])
    output = table(capsys, *words)
    assert f"Frontier: {count} settings, beaten by no other in delay, energy and " in output
    (marked,) = [line.split() for line in output.splitlines() if line.endswith("plan  ")]
    assert (marked[0], marked[-1]) == ("7", "plan")
    rows = [line for line in output.splitlines() if " GHz  " in line and "clock" not in line]
    assert len(rows) == count
    assert "bits a weight               7" in output


def test_people_get_a_row_a_width_where_settings_are_many(capsys: Capture) -> None:
    every = pareto(capsys, *MEASURED)["frontier"]
    output = table(capsys, *MEASURED)
    assert "Every setting with its clocks: --csv FILE, or --json." in output
    rows = [line.split() for line in output.splitlines()]
    for bits in ROBOT.widths:
        group = [point for point in every if point["bits"] == bits]
        (row,) = [row for row in rows if len(row) == 7 and row[0] == str(bits)]
        ends = (group[0]["delay_s"], group[0]["energy_j"])
        ends += (group[-1]["energy_j"], group[-1]["delay_s"])
        assert row[2:] == [str(len(group)), *(f"{value:.4g}" for value in ends)]


def test_the_csv_has_the_numbers_of_the_json(capsys: Capture, tmp_path: Path) -> None:
    path = tmp_path / "frontier.csv"
    assert main(["solve", "--pareto", *MEASURED, "--json", "--csv", str(path)]) == 0
    output, errors = capsys.readouterr()
    assert errors == f"wrote {path}\n"
    with path.open(newline="") as stream:
        rows = [{name: float(text) for name, text in row.items()} for row in csv.DictReader(stream)]
    assert rows == json.loads(output)["frontier"]
    assert [one.name for one in tmp_path.iterdir()] == ["frontier.csv"]


@pytest.mark.parametrize(("costs", "deadline_s"), [(MEASURED, "0.3"), (FREE, "3")])
def test_the_picture_shows_the_budgets_and_the_plan(
    capsys: Capture, tmp_path: Path, costs: list[str], deadline_s: str
) -> None:
    drawn = []
    for name, words in (("a", []), ("b", ["--deadline-s", deadline_s]), ("c", ["--energy-j", "1"])):
        path = tmp_path / f"{name}.png"
        table(capsys, *costs, *words, "--plot", str(path))
        drawn.append(cv2.imread(str(path)))
    (plain, deadline, energy) = (image.reshape(-1, 3).astype(int) for image in drawn)
    vermilion = np.array([0x00, 0x5E, 0xD5])  # the plan's star, BGR
    for image in (plain, deadline, energy):
        assert (image == vermilion).all(axis=1).sum() > 40
    # What breaks a budget lies under #777777 of 14 %: 255 - 0.14 * 136 = 236.
    greyed = [(abs(image - 236) <= 1).all(axis=1).mean() for image in (plain, deadline, energy)]
    assert greyed[0] < 0.01
    assert min(greyed[1:]) > 0.05


def test_what_one_half_takes_is_compared_where_the_others_energy_is_not_known(
    capsys: Capture, tmp_path: Path, unmetered: Callable[[Profile], str]
) -> None:
    words = ["--robot-profile", unmetered(ROBOT), *MEASURED[2:]]
    found = pareto(capsys, *words)["frontier"]
    edge_j = dict(zip(EDGE.clocks_hz, EDGE.energy.mean_j[0].tolist(), strict=True))
    for point in found:
        assert list(point) == [*POINT, "embedding_error", "known_energy_j"]
        assert (point["energy_j"], point["robot_clock_hz"]) == (None, None)
        assert point["known_energy_j"] == edge_j[point["edge_clock_hz"]]
    # One robot setting a width, of errors that fall: the edge's own frontier for each.
    edge = [point[1:] for point in measured(EDGE)]
    own = [a for a in edge if not any(b[1] < a[1] and b[2] < a[2] for b in edge)]
    assert len(found) == len(own) * len(ROBOT.widths)
    path = tmp_path / "frontier.csv"
    output = table(capsys, *words, "--csv", str(path), "--plot", str(tmp_path / "frontier.png"))
    assert "beaten by no other in delay, known energy and embedding error" in in_one_line(output)
    assert "Joules are without those of the robot's half: no power meter." in output
    assert path.read_text().splitlines()[1].split(",")[4] == "nan"
    assert refusal(capsys, "--pareto", *words, "--energy-j", "1").startswith(
        "coinfer: --energy-j must be inf, no limit, while --robot-profile has no energies"
    )


def test_where_no_energy_is_known_delay_and_error_are_compared_and_nothing_is_drawn(
    capsys: Capture, tmp_path: Path, unmetered: Callable[[Profile], str]
) -> None:
    words = [word for one in (ROBOT, EDGE) for word in ("--profile", unmetered(one))]
    found = pareto(capsys, *words)["frontier"]
    assert [list(point) for point in found] == [[*POINT, "embedding_error"]] * len(ROBOT.widths)
    assert {point["energy_j"] for point in found} == {None}
    assert "no other in delay and embedding error" in in_one_line(table(capsys, *words))
    path = tmp_path / "frontier.png"
    refused = refusal(capsys, "--pareto", *words, "--plot", str(path))
    assert refused.startswith("coinfer: --plot must have an energy to draw over the delay, got no")
    assert not path.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--csv", "a.csv"], "--csv is for --pareto, got it without"),
        (["--plot", "a.png"], "--plot is for --pareto, got it without"),
        (["--clock-steps", "64"], "--clock-steps is for --pareto, got it without"),
        (["--pareto", "--method", "exact"], "--method is for one plan, got it with --pareto"),
        (
            ["--pareto", "--clock-steps", "64"],
            "--clock-steps is for the frontier over free clocks, got it with --robot-profile",
        ),
        (["--pareto", "--plot", "a.pdf"], "--plot must be a file that ends in .png, got 'a.pdf'"),
        (["--pareto", "--csv", ""], "--csv must be a file, got ''"),
        (["--pareto", "--csv", "/"], "--csv must be a file, got '/'"),
    ],
)
def test_what_contradicts_or_names_no_file_is_refused_in_one_line(
    capsys: Capture, words: list[str], says: str
) -> None:
    assert refusal(capsys, *MEASURED, *words) == f"coinfer: {says}\n"


@pytest.mark.parametrize("flag", ["--csv", "--plot"])
def test_a_folder_that_is_not_there_gets_one_line_and_nothing_printed(
    capsys: Capture, tmp_path: Path, flag: str
) -> None:
    path = tmp_path / "none" / "frontier.png"
    refused = refusal(capsys, "--pareto", *MEASURED, flag, str(path), status=1)
    assert refused.startswith(f"coinfer: {flag} must be a file that can be written, got '{path}'")


def test_numbers_alone_need_neither_torch_nor_scipy_nor_rich_nor_matplotlib() -> None:
    script = (
        "import sys; from coinfer_ros.tools.cli import main; "
        f"assert main({['solve', '--pareto', *MEASURED, '--json']!r}) == 0; "
        "sys.exit(' '.join({'torch', 'scipy', 'rich', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    root = Path(coinfer_ros.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
