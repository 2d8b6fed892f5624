# SPDX-License-Identifier: Apache-2.0
"""Models of the same folder name are told apart in every row."""

from __future__ import annotations

from pathlib import Path

import pytest

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures.subjects import AUTOENCODER, titles


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        ([], []),
        (["/x/a", "/x/b"], ["a", "b"]),
        (["/x/a/last", "/x/b/last"], ["a/last", "b/last"]),
        (["/x/a/m/last", "/x/b/m/last", "/y/z"], ["a/m/last", "b/m/last", "//y/z"]),
        ([f"/x/{AUTOENCODER}"], [f"x/{AUTOENCODER}"]),
    ],
)
def test_as_few_last_parts_as_tell_them_apart(folders: list[str], names: list[str]) -> None:
    assert titles([Path(folder) for folder in folders]) == names


def test_one_folder_by_two_names_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"--model must name each folder once, got '/x/../x/a'"):
        titles([Path("/x/../x/a"), Path("/x/a")])
