# SPDX-License-Identifier: Apache-2.0
"""Profiles are written to be read by people too, and what is no profile is refused by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coinfer_ros.adapters import profile_file
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.profile import Profile, to_plain

DATA = Path(__file__).parent / "data"


@pytest.fixture(params=["robot", "edge"])
def stored(request: pytest.FixtureRequest) -> Path:
    """A file as the first version of the format wrote it: it must be readable for ever."""
    return DATA / f"{request.param}_profile.json"


def read(path: Path) -> Profile:
    return profile_file.read(path, name="robot.profile")


def test_what_was_measured_once_is_read_and_written_again_as_it_was(stored, tmp_path):
    profile = read(stored)
    assert profile.role == stored.name.split("_")[0]
    copy = tmp_path / "copy.json"
    profile_file.write(profile, copy)
    assert copy.read_text() == stored.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["copy.json"]


def test_a_list_of_numbers_is_one_line_and_texts_are_left_alone(tmp_path):
    content = to_plain(read(DATA / "robot_profile.json"))
    content["device"]["processor"] = "CPU [2  cores]\n{4 GHz}"
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(content))
    profile_file.write(read(file), file)
    assert read(file).device.processor == content["device"]["processor"]
    assert ' "widths": [ 2, 3, 4, 5, 6, 7, 8, 16 ],\n' in file.read_text()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "robot.profile must be JSON, got .*p.json"),
        (b"\xff\xfe", "robot.profile must be JSON"),
        (b"[]", "robot.profile .*p.json': format must be 'coinfer-profile/1', got 'list'"),
        (b'{"format": "coinfer-profile/9"}', "format must be .* got 'coinfer-profile/9'"),
        (b'{"format": "coinfer-profile/1"}', "missing: model, fingerprint"),
    ],
)
def test_what_is_no_profile_is_refused(tmp_path, content, says):
    (tmp_path / "p.json").write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        read(tmp_path / "p.json")


def test_a_file_that_is_not_there_or_cannot_be_written_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match=r"robot\.profile must be a readable"):
        read(tmp_path / "none.json")
    with pytest.raises(Unavailable, match="must be a file that can be written"):
        profile_file.write(read(DATA / "edge_profile.json"), tmp_path / "none" / "p.json")
