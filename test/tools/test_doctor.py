# SPDX-License-Identifier: Apache-2.0
"""The command says what is here in time, and gives clocks back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.tools import doctor
from coinfer_ros.tools.arguments import Parser

from ..adapters.devices import clock_trees, trees

MOST_S = 15.0


def _run(*arguments: str) -> int:
    parser = Parser(prog="coinfer")
    doctor.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["doctor", *arguments])
    return int(parsed.run(parsed))


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    status = _run("--json", *arguments)
    captured = capsys.readouterr()
    assert captured.err == ""
    return status, json.loads(captured.out)


@pytest.fixture
def jetson(tmp_path: Path) -> Path:
    trees.jetson_orin(tmp_path)
    return clock_trees.orin_gpu(tmp_path)


@pytest.mark.slow
def test_a_jetson_s_power_and_clock_are_found(jetson: Path, capsys) -> None:
    status, answer = _json(capsys, "--no-ros", "--root", str(jetson), "--state-dir", str(jetson))
    assert status == 0
    found = {(one["area"], one["name"]): one for one in answer["findings"]}
    assert found["power", "hwmon"]["status"] == "good"
    assert "12.4 W now" in found["power", "hwmon"]["detail"]
    assert found["clocks", "devfreq"]["status"] == "good"
    assert found["leftovers", "clocks"]["status"] == "good"
    assert found["software", "torch"]["status"] in {"good", "missing"}
    assert not any(area == "ROS" for area, _ in found)
    summary = answer["summary"]
    assert (summary["measures"], summary["sets"]) == (["hwmon"], ["devfreq"])
    counts = [summary[status] for status in ("good", "limited", "missing", "fault")]
    assert sum(counts) == len(answer["findings"])
    assert summary["fault"] == 0
    assert all(set(one) == {"area", "name", "status", "detail", "remedy"} for one in found.values())


def test_all_that_may_hang_is_given_less_than_the_promised_time() -> None:
    assert doctor.PATIENCE_S < MOST_S


@pytest.mark.slow
def test_people_get_a_table(jetson: Path, capsys) -> None:
    assert _run("--no-ros", "--root", str(jetson), "--state-dir", str(jetson)) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    for area in ("power", "clocks", "leftovers", "software"):
        assert [area] in lines
    assert ["good", "hwmon"] in [line[:2] for line in lines]


def test_what_was_left_is_given_back_and_nothing_else_is_looked_at(tmp_path, capsys) -> None:
    asked = ("--restore", "--root", str(tmp_path), "--state-dir", str(tmp_path))
    status, answer = _json(capsys, *asked)
    assert (status, [one["area"] for one in answer["findings"]]) == (0, ["leftovers"])
    (tmp_path / "devfreq-17000000.gpu.former.json").write_text("{}")
    status, answer = _json(capsys, *asked)
    assert (status, answer["summary"]["fault"]) == (1, 1)
    clock_trees.orin_gpu(tmp_path)
    status, answer = _json(capsys, *asked)
    assert status == 0
    assert "damaged file was set aside" in answer["findings"][0]["detail"]


def test_the_folder_of_the_system_files_is_printed(capsys) -> None:
    assert _run("--files") == 0
    folder = Path(capsys.readouterr().out.strip())
    assert (folder / "permit.sh").is_file()


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"--root must be a folder, got '.*/none'"):
        _run("--root", str(tmp_path / "none"))
