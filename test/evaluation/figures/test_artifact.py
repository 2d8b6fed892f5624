# SPDX-License-Identifier: Apache-2.0
"""Files are whole or not there, and a table gives its numbers back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.evaluation.figures.artifact import Artifact, csv_artifact, ready, write


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(allow_nan=False), st.integers()), max_size=5))
def test_a_table_gives_every_number_back(rows: list[tuple[float, int]]) -> None:
    lines = csv_artifact("t.csv", ["a", "b"], rows).content.decode().splitlines()
    assert lines[0] == "a,b"
    cells = [line.split(",") for line in lines[1:]]
    assert [(float(a), int(b)) for a, b in cells] == rows


def test_numpy_s_numbers_and_words_with_commas_are_written_as_plain_ones(
    read: Callable[[Artifact], list[dict[str, str]]],
) -> None:
    (row,) = read(csv_artifact("t.csv", ["name", "x"], [("a, b", np.float64(0.1))]))
    assert row == {"name": "a, b", "x": "0.1"}


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidInput, match="rows must have 2 values each, got 1"):
        csv_artifact("t.csv", ["a", "b"], [(1,)])


def test_files_are_written_into_a_new_folder_and_replace_older_ones(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    write([Artifact("x.csv", b"old"), Artifact("y.csv", b"y")], folder)
    write([Artifact("x.csv", b"new")], folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {"x.csv": b"new", "y.csv": b"y"}


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    bad = Artifact("no-such-folder/y.csv", b"y")
    with pytest.raises(Unavailable, match="--out must be a folder that can be written, got"):
        write([Artifact("x.csv", b"x"), bad], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder_to_write_into(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Unavailable, match="--out must be a folder that can be written, got"):
            ready(folder)


def test_a_new_folder_that_can_be_written_is_not_left_behind_empty(tmp_path: Path) -> None:
    ready(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").mkdir()
    ready(tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_new_folder_goes_again_when_its_files_cannot_be_written(tmp_path: Path) -> None:
    bad = Artifact("no-such-folder/y.csv", b"y")
    with pytest.raises(Unavailable, match="--out must be a folder that can be written, got"):
        write([Artifact("x.csv", b"x"), bad], tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_folder_can_have_leaves_those_above_it_away(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="--out must be a folder that can be written, got"):
        ready(tmp_path / "new" / ("x" * 300))
    assert list(tmp_path.iterdir()) == []
