# SPDX-License-Identifier: Apache-2.0
"""Tests of `coinfer solve`: what scripts read, what people read, what is refused."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import coinfer_ros
from coinfer_ros.core import optimizer
from coinfer_ros.core.costs import (
    BLIP2,
    BLIP2_BUDGET,
    GIT,
    GIT_BUDGET,
    PAPER_EDGE,
    PAPER_ROBOT,
    Budget,
    System,
    Workload,
)
from coinfer_ros.tools.cli import main

PLAN_KEYS = [
    "status",
    "bits",
    "robot_clock_hz",
    "edge_clock_hz",
    "delay_s",
    "energy_j",
    "distortion_lower",
    "distortion_upper",
    "distortion_exact",
    "binding",
]
REQUIRED = {
    "--robot-flop": "533.66e9",
    "--edge-flop": "174.95e9",
    "--deadline-s": "3.5",
    "--energy-j": "2",
}
DEFAULTS = {
    "--weight-bits": "16",
    "--max-bits": "16",
    "--weight-rate": "1",
    "--robot-clock-max-hz": "2e9",
    "--robot-flop-per-cycle": "32",
    "--robot-pue": "1",
    "--robot-power-coefficient": "2e-29",
    "--edge-clock-max-hz": "10e9",
    "--edge-flop-per-cycle": "128",
    "--edge-pue": "2",
    "--edge-power-coefficient": "1e-28",
}
Capture = pytest.CaptureFixture[str]


def arguments(**changes: str) -> list[str]:
    flags = {**REQUIRED, **{f"--{name.replace('_', '-')}": v for name, v in changes.items()}}
    return ["solve", *(word for flag, value in flags.items() for word in (flag, value))]


def solve(capsys: Capture, **changes: str) -> dict[str, Any]:
    assert main([*arguments(**changes), "--json"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert output.count("\n") == 1

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    answer: dict[str, Any] = json.loads(output, parse_constant=refuse)
    return answer


def refusal(capsys: Capture, words: list[str]) -> str:
    assert main(words) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.count("\n") == 1
    return errors


@pytest.mark.parametrize(
    ("workload", "budget", "bits"), [(BLIP2, BLIP2_BUDGET, 5), (GIT, GIT_BUDGET, 6)]
)
def test_the_papers_scenarios_need_four_flags(
    capsys: Capture, workload: Workload, budget: Budget, bits: int
) -> None:
    answer = solve(
        capsys,
        robot_flop=str(workload.robot_flop),
        edge_flop=str(workload.edge_flop),
        deadline_s=str(budget.delay_s),
        energy_j=str(budget.energy_j),
    )
    assert list(answer) == PLAN_KEYS
    assert (answer["status"], answer["bits"], answer["binding"]) == ("optimal", bits, "energy")
    system = System(PAPER_ROBOT, PAPER_EDGE, workload)
    expected = optimizer.solve(optimizer.paper_problem(system, budget, range(1, 17))).plan
    for key in ("robot_clock_hz", "edge_clock_hz", "delay_s", "energy_j"):
        assert answer[key] == getattr(expected, key)


def test_five_bits_have_the_printed_distortion(capsys: Capture) -> None:
    answer = solve(capsys)
    assert answer["distortion_lower"] == 0.03125
    assert answer["distortion_exact"] == pytest.approx(0.031748698, abs=5e-10)
    assert answer["distortion_upper"] == pytest.approx(0.06273143387, abs=5e-12)


def test_the_weight_rate_scales_the_distortion_and_nothing_else(capsys: Capture) -> None:
    one, forty = solve(capsys), solve(capsys, weight_rate="40")
    for key in PLAN_KEYS:
        if key.startswith("distortion"):
            assert forty[key] == pytest.approx(one[key] / 40.0, rel=1e-15)
        else:
            assert forty[key] == one[key]


def test_one_bit_has_no_finite_upper_bound(capsys: Capture) -> None:
    answer = solve(capsys, max_bits="1")
    assert (answer["bits"], answer["binding"]) == (1, "max_bits")
    assert answer["distortion_upper"] is None
    assert answer["distortion_exact"] == pytest.approx(math.log(2.0), rel=1e-15)


@pytest.mark.parametrize("flag", DEFAULTS)
def test_the_defaults_are_the_papers_constants(capsys: Capture, flag: str) -> None:
    assert solve(capsys, **{flag[2:]: DEFAULTS[flag]}) == solve(capsys)


@pytest.mark.parametrize("flag", DEFAULTS)
def test_every_optional_flag_changes_the_answer(capsys: Capture, flag: str) -> None:
    changed = "4" if flag.endswith("bits") else repr(float(DEFAULTS[flag]) / 10.0)
    assert solve(capsys, **{flag[2:]: changed}) != solve(capsys)


BEYOND_THE_PAPER = {
    "--robot-static-w": "0.05",
    "--edge-static-w": "1",
    "--token-flop": "1e9",
    "--payload-bytes": "1e6",
    "--round-trip-s": "0.05",
    "--radio-w": "1",
    "--tokens": "9",
    "--goodput-bps": "1e9",
}


@pytest.mark.parametrize("flag", BEYOND_THE_PAPER)
def test_every_flag_beyond_the_paper_changes_the_answer(capsys: Capture, flag: str) -> None:
    # Each with the others there: tokens do nothing without their work, a radio without a payload.
    there = {name[2:]: value for name, value in BEYOND_THE_PAPER.items()}
    there |= {"energy_j": "20", "deadline_s": "6"}
    absent = {"tokens": "1", "goodput-bps": "2e9"}.get(flag[2:], "0")
    assert solve(capsys, **there) != solve(capsys, **{**there, flag[2:]: absent})


def test_the_least_energy_or_delay_at_a_distortion_takes_the_narrowest_width_that_has_it(
    capsys: Capture,
) -> None:
    # D^U of 4 bits is 0.127/λ, of 3 bits 0.264/λ.
    asked = {"distortion-max": "0.13"}
    widest = solve(capsys, **asked)
    cheap = solve(capsys, objective="energy", **asked)
    fast = solve(capsys, objective="delay", **asked)
    assert (widest["bits"], cheap["bits"], fast["bits"]) == (5, 4, 4)
    assert cheap["energy_j"] < widest["energy_j"]
    assert fast["delay_s"] < cheap["delay_s"]
    assert solve(capsys, objective="energy")["bits"] == 1
    assert solve(capsys, **{"distortion-max": "1e-5"})["binding"] == "quality"


def test_another_method_answers_with_its_own_status(capsys: Capture) -> None:
    answer = solve(capsys, method="sca")
    assert (answer["status"], answer["bits"], answer["binding"]) == ("over_budget", 6, "unknown")
    assert solve(capsys, method="fixed_frequency")["status"] == "failed"


def test_people_are_told_that_a_plan_is_over_its_budget(capsys: Capture) -> None:
    assert main([*arguments(), "--method", "sca"]) == 0
    output, _ = capsys.readouterr()
    assert "Plan (over_budget)" in output
    assert "over budget, 3.704 s of 3.5 s and 2.033 J of 2 J" in output


def test_a_method_that_cannot_answer_this_says_which_problem_it_solves(capsys: Capture) -> None:
    assert main([*arguments(), "--method", "sca", "--objective", "energy"]) == 1
    _, errors = capsys.readouterr()
    assert errors.startswith("coinfer: method sca solves the paper's problem (P1) alone")
    assert errors.count("\n") == 1


def test_an_infeasible_answer_is_an_answer_with_the_nearest_budgets(capsys: Capture) -> None:
    answer = solve(capsys, energy_j="0.05")
    assert list(answer) == [*PLAN_KEYS, "nearest_deadline_s", "nearest_energy_j"]
    assert (answer["status"], answer["binding"]) == ("infeasible", "energy")
    assert {answer[key] for key in PLAN_KEYS[1:9]} == {None}
    longer = solve(capsys, energy_j="0.05", deadline_s=repr(answer["nearest_deadline_s"]))
    dearer = solve(capsys, energy_j=repr(answer["nearest_energy_j"]))
    assert (longer["status"], longer["bits"]) == ("optimal", 1)
    assert (dearer["status"], dearer["bits"]) == ("optimal", 1)


def test_a_deadline_beyond_every_clock_has_no_nearest_energy(capsys: Capture) -> None:
    answer = solve(capsys, deadline_s="0.01")
    assert (answer["status"], answer["binding"]) == ("infeasible", "delay")
    assert answer["nearest_energy_j"] is None
    assert answer["nearest_deadline_s"] > 0.01


def test_people_get_a_table_and_the_reason(capsys: Capture) -> None:
    assert main(arguments()) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    assert "bits a weight           5" in output
    assert "the energy budget of 2 J binds: within 3.5 s, 6 bits would need 4.17 J" in output


def test_people_are_told_what_would_help(capsys: Capture) -> None:
    assert main(arguments(deadline_s="0.01")) == 0
    output, _ = capsys.readouterr()
    assert "none would do" in output
    assert "no setting keeps the budgets: the delay budget of 0.01 s binds" in output


@pytest.mark.parametrize(
    "value", ["nan", "inf", "-inf", "0", "-0.0", "-1", "-1e9", "x", "", "1,5", "0x10"]
)
@pytest.mark.parametrize("flag", [*REQUIRED, *DEFAULTS])
def test_a_bad_number_gets_one_line_with_flag_rule_and_value(
    capsys: Capture, flag: str, value: str
) -> None:
    errors = refusal(capsys, arguments(**{flag[2:]: value}))
    assert errors.startswith(f"coinfer: {flag} must be ")
    spelled = errors.rsplit("got ", 1)[1].strip().strip("'")
    assert spelled == value or float(spelled) == float(value) or math.isnan(float(value))


@pytest.mark.parametrize("flag", ["--weight-bits", "--max-bits"])
def test_a_bit_width_must_be_whole(capsys: Capture, flag: str) -> None:
    errors = refusal(capsys, arguments(**{flag[2:]: "2.5"}))
    assert errors.startswith(f"coinfer: {flag} must be a whole number in [1, ")
    assert errors.endswith("], got 2.5\n")


@pytest.mark.parametrize("flag", REQUIRED)
def test_a_missing_flag_is_named(capsys: Capture, flag: str) -> None:
    words = arguments()
    place = words.index(flag)
    errors = refusal(capsys, words[:place] + words[place + 2 :])
    assert errors == f"coinfer: the following arguments are required: {flag}\n"


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        (["--deadline"], "--deadline"),  # no abbreviations: they break when flags are added
        (["--bogus", "3"], "--bogus"),
        (["stray\nline"], "stray line"),
        (["--weight-rate"], "--weight-rate"),
        (["--json=1"], "--json"),
    ],
)
def test_an_argument_that_does_not_belong_is_named(
    capsys: Capture, extra: list[str], named: str
) -> None:
    assert named in refusal(capsys, [*arguments(), *extra])


def test_solving_imports_neither_torch_nor_scipy_nor_rich_nor_other_commands() -> None:
    script = (
        "import sys; from coinfer_ros.tools.cli import main; "
        f"assert main({[*arguments(), '--json']!r}) == 0; "
        "heavy = {'torch', 'scipy', 'rich', 'coinfer_ros.tools.demo', 'coinfer_ros.tools.train'}; "
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    root = Path(coinfer_ros.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
