# SPDX-License-Identifier: Apache-2.0
"""`coinfer solve` over what was measured: the best of all settings, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import coinfer_ros
from coinfer_ros import locate
from coinfer_ros.adapters import board_file, profile_file
from coinfer_ros.core import rate_distortion
from coinfer_ros.core.profile import Energy, Latency, Profile
from coinfer_ros.tools.cli import main

DATA = Path(__file__).parents[1] / "adapters" / "data"
ROBOT_FILE, EDGE_FILE = str(DATA / "robot_profile.json"), str(DATA / "edge_profile.json")
ROBOT, EDGE = (profile_file.read(Path(file), name="data") for file in (ROBOT_FILE, EDGE_FILE))
BOTH = ["--robot-profile", ROBOT_FILE, "--edge-profile", EDGE_FILE]
BUDGETS = ["--deadline-s", "0.2", "--energy-j", "2"]
ENDLESS = ["--deadline-s", "inf", "--energy-j", "inf"]
Capture = pytest.CaptureFixture[str]
Setting = tuple[int, float, float, float]


def solve(capsys: Capture, *words: str) -> dict[str, Any]:
    assert main(["solve", *words, "--json"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    answer: dict[str, Any] = json.loads(output)
    return answer


def refusal(capsys: Capture, *words: str, status: int = 2) -> str:
    assert main(["solve", *words]) == status
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    return errors


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Profile], str]:
    def write(profile: Profile) -> str:
        path = tmp_path / f"{profile.role}.json"
        profile_file.write(profile, path)
        return str(path)

    return write


def at_own_pace(profile: Profile) -> Profile:
    """Return a profile of a machine that has neither a clock to set nor a power meter."""
    one = (len(profile.widths), 1)
    percentiles = (getattr(profile.latency, f"p{p}_s")[:, :1] for p in (50, 90, 95, 99))
    return dataclasses.replace(
        profile,
        clocks_hz=(math.nan,),
        latency=Latency(*percentiles, samples=5),
        energy=Energy(np.full(one, math.nan), np.full(one, math.nan)),
    )


def measured(profile: Profile) -> Iterator[Setting]:
    """Yield bits, clock, seconds and joules of every measured setting."""
    for (row, bits), (column, hz) in itertools.product(
        enumerate(profile.widths), enumerate(profile.clocks_hz)
    ):
        yield bits, hz, profile.latency.p95_s[row, column], profile.energy.mean_j[row, column]


def computed(board: str, flop: float) -> Iterator[Setting]:
    """Yield the same of every clock step of a board, at full width."""
    known = board_file.read(locate.board(board))
    for hz in known.clock_steps_hz:
        yield 16, hz, known.processor.delay_s(flop, hz), known.processor.energy_j(flop, hz)


def best(
    robot: Iterator[Setting], edge: Iterator[Setting], delay_s: float, energy_j: float
) -> tuple[float, ...] | None:
    """Return loss, joules, seconds, bits and clocks of the best setting within budgets."""
    losses = dict(zip(ROBOT.widths, ROBOT.losses or (), strict=True))
    return min(
        (
            (losses[bits], robot_j + edge_j, robot_s + edge_s, bits, robot_hz, edge_hz)
            for (bits, robot_hz, robot_s, robot_j), (_, edge_hz, edge_s, edge_j) in (
                itertools.product(list(robot), list(edge))
            )
            if robot_s + edge_s <= delay_s and robot_j + edge_j <= energy_j
        ),
        default=None,
    )


def expect(answer: dict[str, Any], expected: tuple[float, ...] | None) -> None:
    if expected is None:
        assert (answer["status"], answer["bits"]) == ("infeasible", None)
        return
    names = ("embedding_error", "energy_j", "delay_s", "bits", "robot_clock_hz", "edge_clock_hz")
    assert answer["status"] == "optimal"
    assert [answer[name] for name in names] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("delay_s", "energy_j"), [(0.2, 2.0), (0.5, 0.3), (3.0, 20.0), (0.06, 2.0), (math.inf, 1.0)]
)
def test_the_plan_is_the_best_of_all_measured_settings(
    capsys: Capture, delay_s: float, energy_j: float
) -> None:
    words = [*BOTH, "--deadline-s", repr(delay_s), "--energy-j", repr(energy_j)]
    expect(solve(capsys, *words), best(measured(ROBOT), measured(EDGE), delay_s, energy_j))


def test_a_board_stands_in_for_a_profile_of_either_half(capsys: Capture) -> None:
    edge = ["--edge-board", "rtx_3090", "--edge-flop", "183.13e9"]
    found = solve(capsys, "--robot-profile", ROBOT_FILE, *edge, *BUDGETS)
    expect(found, best(measured(ROBOT), computed("rtx_3090", 183.13e9), 0.2, 2.0))
    robot = ["--robot-board", "jetson_agx_orin", "--robot-flop", "212.27e9"]
    board = board_file.read(locate.board("jetson_agx_orin"))
    for other in (["--edge-profile", EDGE_FILE], edge):
        answer = solve(capsys, *robot, *other, *BUDGETS)
        assert answer["robot_clock_hz"] in board.clock_steps_hz
        assert "embedding_error" not in answer


def test_a_short_form_takes_the_role_from_the_file(capsys: Capture) -> None:
    long = solve(capsys, *BOTH, *BUDGETS)
    for files in ([ROBOT_FILE, EDGE_FILE], [EDGE_FILE, ROBOT_FILE]):
        short = [word for one in files for word in ("--profile", one)]
        assert solve(capsys, *short, *BUDGETS) == long
    assert solve(capsys, "--profile", EDGE_FILE, *BOTH[:2], *BUDGETS) == long


def test_the_bytes_of_a_wire_width_are_those_of_the_profile(capsys: Capture) -> None:
    link = ["--goodput-bps", "50e6", "--radio-w", "2", "--round-trip-s", "0.01"]
    size = next(one.size_bytes for one in ROBOT.wire if one.wire_bits == 8)
    known = solve(capsys, *BOTH, *ENDLESS, *link, "--wire-bits", "8")
    assert solve(capsys, *BOTH, *ENDLESS, *link, "--payload-bytes", str(size)) == known
    none = solve(capsys, *BOTH, *ENDLESS)
    air_s = 8 * size / 50e6
    assert known["delay_s"] == pytest.approx(none["delay_s"] + air_s + 0.01, rel=1e-12)
    assert known["energy_j"] == pytest.approx(none["energy_j"] + 2 * air_s, rel=1e-12)


def test_without_measured_errors_the_law_decides_with_the_measured_rate(
    capsys: Capture, file: Callable[[Profile], str]
) -> None:
    words = ["--robot-profile", file(dataclasses.replace(ROBOT, distortions=())), *BOTH[2:]]
    widest = solve(capsys, *words, *ENDLESS)
    law = rate_distortion.at_bits(16, ROBOT.weights.weight_rate)
    assert (widest["bits"], widest["distortion_exact"]) == (16, law.exact)
    most = repr(rate_distortion.at_bits(5, ROBOT.weights.weight_rate).upper)
    asked = [*words, *ENDLESS, "--objective", "energy", "--distortion-max", most]
    assert solve(capsys, *asked)["bits"] == 5
    refused = refusal(capsys, *words, *ENDLESS, "--embedding-error-max", "1")
    assert "--embedding-error-max is for a profile with measured errors, got it with " in refused


def test_the_least_energy_at_a_measured_error_takes_the_narrowest_width_that_has_it(
    capsys: Capture,
) -> None:
    assert ROBOT.losses is not None
    most = ROBOT.losses[ROBOT.widths.index(6)]
    asked = [*BOTH, *ENDLESS, "--objective", "delay", "--embedding-error-max", repr(most)]
    assert solve(capsys, *asked)["bits"] == 6
    assert solve(capsys, *BOTH, *ENDLESS, "--objective", "delay")["bits"] == 2
    refused = refusal(capsys, *BOTH, *ENDLESS, "--distortion-max", "0.1")
    assert "--distortion-max is for widths without measured errors, got it with --robot" in refused


def test_the_widest_width_asked_for_leaves_the_measured_ones_below_it(capsys: Capture) -> None:
    assert solve(capsys, *BOTH, *ENDLESS, "--max-bits", "15")["bits"] == 8
    assert refusal(capsys, *BOTH, *ENDLESS, "--max-bits", "1") == (
        "coinfer: --max-bits must leave one of the widths of --robot-profile, "
        "[2, 3, 4, 5, 6, 7, 8, 16], got 1\n"
    )


def test_without_a_meter_no_energy_is_limited_or_known(
    capsys: Capture, file: Callable[[Profile], str]
) -> None:
    words = ["--robot-profile", file(at_own_pace(ROBOT)), *BOTH[2:]]
    assert refusal(capsys, *words, *BUDGETS) == (
        "coinfer: --energy-j must be inf, no limit, while --robot-profile has no energies "
        "(no power meter), got 2\n"
    )
    endless = ["--deadline-s", "1", "--energy-j", "inf"]
    answer = solve(capsys, *words, *endless)
    assert (answer["status"], answer["energy_j"]) == ("optimal", None)
    assert answer["robot_clock_hz"] is None
    assert answer["edge_clock_hz"] in EDGE.clocks_hz
    assert main(["solve", *words, *endless]) == 0
    output = capsys.readouterr().out
    assert "robot clock                 own pace" in output
    assert "energy                      unknown, no limit" in output
    assert output.rstrip().endswith("joules are without those of the robot's half")


def test_no_energy_is_made_least_where_none_is_known(
    capsys: Capture, file: Callable[[Profile], str]
) -> None:
    words = [
        word for one in (ROBOT, EDGE) for word in ("--profile", file(at_own_pace(one)))
    ] + ENDLESS
    assert solve(capsys, *words, "--objective", "delay")["bits"] == 2
    refused = refusal(capsys, *words, "--objective", "energy")
    assert refused.startswith("coinfer: --objective must be distortion or delay while --profile ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*BOTH, "--robot-pue", "1"], "--robot-pue is for the robot by its formula, got it with "),
        ([*BOTH, "--edge-clock-max-hz", "1e9"], "--edge-clock-max-hz is for the edge by its form"),
        ([*BOTH, "--robot-flop", "1e9"], "--robot-flop is for a half that was not measured, got "),
        ([*BOTH, "--edge-flop", "1e9"], "got it with --edge-profile\n"),
        ([*BOTH, "--weight-bits", "16"], "--weight-bits is for a half that was not measured, got"),
        ([*BOTH, "--weight-rate", "1"], "--weight-rate is for a half that was not measured, got"),
        ([*BOTH, "--tokens", "1"], "--tokens is for a half that was not measured, got it with --e"),
        ([*BOTH, "--token-flop", "0"], "--token-flop is for a half that was not measured, got it"),
        (
            [*BOTH, "--wire-bits", "8", "--payload-bytes", "0"],
            "--payload-bytes is for a payload in bytes, got it with --wire-bits\n",
        ),
        (
            [*BOTH, "--wire-bits", "7"],
            "--wire-bits must be one that --robot-profile has the bytes of, 4, 6, 8, 16, 32, got 7",
        ),
        (
            [*BOTH, "--robot-board", "paper_robot"],
            "the robot's half must be given once, got --robot-profile and --robot-board\n",
        ),
        (
            [*BOTH, "--profile", EDGE_FILE],
            f"the edge's half must be given once, got --profile {EDGE_FILE} and --edge-profile\n",
        ),
        (BOTH[:2], "the edge's half must be there as --edge-profile or --edge-board beside --rob"),
        (BOTH[2:], "the robot's half must be there as --robot-profile or --robot-board beside --"),
        (
            ["--robot-profile", EDGE_FILE],
            "--robot-profile must be of role robot, got one of role edge\n",
        ),
        (
            ["--robot-board", "paper_robot", "--edge-board", "paper_edge", "--robot-flop", "1e9"],
            "the following arguments are required: --edge-flop\n",
        ),
        (
            ["--robot-board", "paper_robot", *BOTH[2:], "--robot-flop", "0"],
            "--robot-flop must be in [1.0, 1e+24] FLOP, got 0\n",
        ),
        (
            ["--robot-board", "paper_robot", "--robot-flop", "1e9", *BOTH[2:], "--robot-pue", "1"],
            "--robot-pue is for the robot by its formula, got it with --robot-board\n",
        ),
    ],
)
def test_flags_that_contradict_each_other_are_refused_naming_both(
    capsys: Capture, words: list[str], says: str
) -> None:
    refused = refusal(capsys, *words, *BUDGETS)
    assert refused.startswith("coinfer: ")
    assert says in refused


@pytest.mark.parametrize("flag", ["--wire-bits", "--embedding-error-max"])
def test_what_only_a_profile_knows_is_refused_without_one(capsys: Capture, flag: str) -> None:
    work = ["--robot-flop", "1e9", "--edge-flop", "1e9"]
    refused = refusal(capsys, *work, *BUDGETS, flag, "8")
    assert refused.startswith(f"coinfer: {flag} is for a")
    assert "got it without" in refused


@pytest.mark.parametrize("flag", ["--deadline-s", "--energy-j"])
def test_one_plan_needs_both_budgets(capsys: Capture, flag: str) -> None:
    place = BUDGETS.index(flag)
    words = BUDGETS[:place] + BUDGETS[place + 2 :]
    refused = refusal(capsys, *BOTH, *words)
    assert refused == f"coinfer: the following arguments are required: {flag}\n"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"fingerprint": "cd" * 32}, "must be of model git-scenes 17ceaedb1db4…, as --robot-pro"),
        ({"cut": "elsewhere"}, "must be of cut visual_projection, as --robot-profile is, got one"),
    ],
)
def test_profiles_of_two_models_or_cuts_are_refused(
    capsys: Capture, file: Callable[[Profile], str], changes: dict[str, Any], says: str
) -> None:
    other = file(dataclasses.replace(EDGE, **changes))
    refused = refusal(capsys, *BOTH[:2], "--edge-profile", other, *BUDGETS)
    assert refused.startswith(f"coinfer: --edge-profile {says}")


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--robot-profile", "/none.json"], 1, "--robot-profile must be a readable file, got"),
        (["--profile", __file__], 2, "--profile must be JSON, got"),
        (["--robot-board", "none"], 1, "--robot-board must be a YAML file or one of jetson_agx"),
        (["--edge-board", "/none.yaml"], 1, "--edge-board must be a readable file, got"),
    ],
)
def test_a_file_that_is_none_is_refused_by_its_flag(
    capsys: Capture, words: list[str], status: int, says: str
) -> None:
    assert refusal(capsys, *words, *BUDGETS, status=status).startswith(f"coinfer: {says}")


def test_another_method_looks_at_every_setting_or_says_that_it_cannot(capsys: Capture) -> None:
    exact, other = (
        solve(capsys, *BOTH, *BUDGETS, "--method", method) for method in ("exact", "exhaustive")
    )
    assert {**other, "binding": ""} == {**exact, "binding": ""}
    assert "method sca" in refusal(capsys, *BOTH, *BUDGETS, "--method", "sca", status=1)


def test_solving_over_profiles_imports_neither_torch_nor_scipy_nor_rich() -> None:
    script = (
        "import sys; from coinfer_ros.tools.cli import main; "
        f"assert main({['solve', *BOTH, *BUDGETS, '--json']!r}) == 0; "
        "sys.exit(' '.join({'torch', 'scipy', 'rich', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    root = Path(coinfer_ros.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
