# SPDX-License-Identifier: Apache-2.0
"""``coinfer evaluate`` runs, goes on where it was, repeats itself by seed and refuses by name."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.evaluation import extras
from coinfer_ros.tools import cli
from coinfer_ros.tools.evaluating.captioning import CAPTIONS
from coinfer_ros.tools.resumable.folder import SETTINGS

from ..evaluation.report.browser import look, needs_chromium
from .interrupting import interrupted

for extra in extras.EXTRAS:
    pytest.importorskip(extra)

SMALL = ("--quick", "--samples", "8")


def evaluate(folder: Path, *words: str) -> int:
    return cli.main(["evaluate", "--out", str(folder), *words])


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run until some captions are there, press Ctrl-C, and go on to the end."""
    folder = tmp_path_factory.mktemp("evaluation") / "report"
    words = ("evaluate", "--out", str(folder), *SMALL)
    interrupted(*words, once=folder / CAPTIONS, has_lines=3)
    before = rows(folder / CAPTIONS)
    assert evaluate(folder, *SMALL) == 0
    assert rows(folder / CAPTIONS)[: len(before)] == before
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8")))


@pytest.mark.slow
def test_what_was_done_before_ctrl_c_is_not_done_again(report: Path) -> None:
    names = [(row["model"], row["stored"]) for row in rows(report / CAPTIONS)]
    assert len(set(names)) == len(names)
    assert {model for model, _ in names} == {"blip2-scenes", "git-motion"}


@pytest.mark.slow
def test_every_number_of_the_page_stands_in_a_file_beside_it(report: Path) -> None:
    budgets = rows(report / "budgets.csv")
    lines = {row["line"] for row in budgets}
    assert {"exact", "sca", "ppo", "random", "oracle", "nested, a width a layer"} <= lines
    # 4 sweeps of 5 budgets: 9 methods with 2 quantizers, then 5 quantizers and widths a layer.
    assert len(budgets) == 4 * 5 * (9 * 2 + 5 + 1)
    kept = [row for row in budgets if row["line"] == "exact" and row["kept"] == "true"]
    for row in kept:
        assert float(row["delay_s"]) <= float(row["delay_budget_s"])
        assert float(row["energy_j"]) <= float(row["energy_budget_j"])
    assert len(rows(report / "table1.csv")) == 2 * 2 * 2 * 3 * 3
    timed = rows(report / "wall-time.csv")
    assert len({row["profile"] for row in timed}) in (1, 2)
    assert all(float(row["median_s"]) > 0.0 for row in timed)
    assert all(row["answer_j"] == "" for row in timed)  # no meter was asked for
    for name in ("methods", "distances", "front", "quality", "fig4-curves"):
        assert rows(report / f"{name}.csv")


@pytest.mark.slow
@needs_chromium
def test_a_browser_shows_every_picture(report: Path) -> None:
    seen = look(report / "report.html", 1280)
    assert seen.faults() == []
    assert len(seen.pictures) == 3 + 1 + 4 + 2 + 1


@pytest.mark.slow
def test_what_is_lost_is_computed_again_and_every_number_is_the_same(
    report: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(report, again)
    for path in (*again.glob("*.csv"), again / "report.html"):
        path.unlink()
    header, *lines = (report / CAPTIONS).read_text().splitlines(keepends=True)
    kept = [line for line in lines if ",uniform " not in line]
    assert 20 < len(lines) - len(kept) < 60
    (again / CAPTIONS).write_text(header + "".join(kept))
    assert evaluate(again, *SMALL, "--workers", "1") == 0
    for path in report.glob("*.csv"):
        if path.name != CAPTIONS:  # its lines come in the order in which processes end
            assert (again / path.name).read_bytes() == path.read_bytes(), path.name
    assert (again / "report.html").read_bytes() == (report / "report.html").read_bytes()


@pytest.mark.slow
def test_another_evaluations_folder_is_refused(
    report: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (report / SETTINGS).read_text()
    for words, differs in ((("--seed", "1"), "seed"), (("--samples", "9"), "samples")):
        assert evaluate(report, "--quick", *words) == 2
        assert f"differs in {differs}" in capsys.readouterr().err
    settings = json.loads(before)
    (report / SETTINGS).write_text(json.dumps({**settings, "version": "0.0.0", "models": {}}))
    assert evaluate(report, *SMALL) == 2
    assert "differs in version, models" in capsys.readouterr().err
    (report / SETTINGS).write_text(before)


def test_what_is_missing_is_named_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A name that no index has stands for packages that were not installed.
    monkeypatch.setattr(extras, "EXTRAS", ("cvxpy", "no_such_solver", "no_such_plots"))
    with pytest.raises(Unavailable, match="pip install no_such_solver no_such_plots, or in a"):
        extras.need_all()
    assert evaluate(tmp_path / "out", "--quick") == 1
    assert "an evaluation needs no_such_solver no_such_plots, not here" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--samples", "1"), "--samples must be a whole number in"),
        (("--device", "abacus"), "invalid choice: 'abacus'"),
        (("--meter", "sundial"), "invalid choice: 'sundial'"),
        (("--workers", "0"), "--workers must be"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, str], says: str
) -> None:
    assert evaluate(tmp_path / "out", *words) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
