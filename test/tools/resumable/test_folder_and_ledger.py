# SPDX-License-Identifier: Apache-2.0
"""What is there is not computed again, and nothing else is taken for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.tools.resumable.folder import SETTINGS, claim
from coinfer_ros.tools.resumable.ledger import Form, Ledger

FORM: Form[str, float] = Form(
    "numbers",
    ("name", "number"),
    lambda name, number: [name, repr(number)],
    lambda row: (row["name"], float(row["number"])),
)


def test_results_come_back_and_half_a_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    with Ledger(path, FORM) as ledger:
        ledger.add('a, "quoted"', 0.1 + 0.2)
    with path.open("a") as file:
        file.write("b,1.")  # what a power cut leaves
    with Ledger(path, FORM) as ledger:
        assert ledger.records == {'a, "quoted"': 0.1 + 0.2}
        ledger.add("b", 2.0)
    assert [row["name"] for row in csv.DictReader(path.open())] == ['a, "quoted"', "b"]


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("name,number\na,lost\n")
    with pytest.raises(InvalidInput, match=r"numbers\.csv must hold numbers, got line 2"):
        Ledger(path, FORM)


def test_another_experiments_folder_is_refused_and_so_is_any_other(tmp_path: Path) -> None:
    claim(tmp_path / "one", {"seed": 1, "model": "x"})
    claim(tmp_path / "one", {"seed": 1, "model": "x"})
    with pytest.raises(InvalidInput, match="differs in seed"):
        claim(tmp_path / "one", {"seed": 2, "model": "x"})
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "letter.txt").write_text("dear")
    with pytest.raises(InvalidInput, match=f"without {SETTINGS}"):
        claim(tmp_path / "two", {})
    (tmp_path / "three").write_text("a file")
    with pytest.raises(InvalidInput, match="--out must be a folder"):
        claim(tmp_path / "three", {})
    for broken in (json.dumps(["other"]), "{"):
        (tmp_path / "one" / SETTINGS).write_text(broken)
        with pytest.raises(InvalidInput, match="differs in seed, model"):
            claim(tmp_path / "one", {"seed": 1, "model": "x"})
