# SPDX-License-Identifier: Apache-2.0
"""The former state on disk is whole or absent, and only followed when it is surely ours."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from coinfer_ros.adapters.devices.clocks.former_state import Former, FormerState
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.core.errors import NotPermitted, Unavailable

from .. import clock_trees as trees

BOOT = "0b7e7a4e-9c7d-4d0e-8e52-31a0f2f6c001"
VALUES = {"min_freq": "306000000", "max_freq": "918000000"}
NAME = "gpu.former.json"


def _state(folder: Path, boot: str = BOOT) -> FormerState:
    trees.write(folder, f"root/{trees.BOOT_ID}", boot)
    return FormerState(folder, "gpu", folder / "root")


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "root")


def test_what_was_saved_is_loaded_until_it_is_removed(tmp_path) -> None:
    state = _state(tmp_path)
    assert state.load() is None
    state.save({"min_freq": "1"})
    state.save(VALUES)
    assert _state(tmp_path).load() == Former(BOOT, os.getpid(), VALUES)
    assert _files(tmp_path) == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o644
    state.remove()
    state.remove()
    assert state.load() is None
    assert state.note == ""
    assert _files(tmp_path) == []


def test_a_draft_that_a_killed_writer_left_is_neither_read_nor_in_the_way(tmp_path) -> None:
    state = _state(tmp_path)
    (tmp_path / f"{NAME}.draft").write_text('{"device": "gpu", "boot')
    assert state.load() is None
    state.save(VALUES)
    assert _files(tmp_path) == [NAME]
    (tmp_path / f"{NAME}.draft").write_text("")
    state.remove()
    assert _files(tmp_path) == []


def test_one_from_before_the_last_boot_is_removed_with_a_word(tmp_path) -> None:
    _state(tmp_path).save(VALUES)
    later = _state(tmp_path, "another")
    assert later.load() is None
    assert later.note == (
        f"what process {os.getpid()} left of gpu before the last boot is removed: "
        f"the hardware began anew then"
    )
    assert _files(tmp_path) == []


GOOD = {"device": "gpu", "boot_id": BOOT, "pid": 1, "values": VALUES}


@pytest.mark.parametrize(
    "text",
    [
        "",
        json.dumps(GOOD)[:-1],
        json.dumps(GOOD | {"device": "another"}),
        json.dumps(GOOD | {"values": {"min_freq": 306000000}}),
        json.dumps(GOOD | {"values": ["min_freq"]}),
        json.dumps(GOOD | {"pid": "1"}),
        json.dumps([GOOD]),
        "[" * 50_000,
    ],
)
def test_a_damaged_one_is_set_aside_with_a_word_and_never_followed(tmp_path, text: str) -> None:
    state = _state(tmp_path)
    (tmp_path / NAME).write_text(text)
    assert state.load() is None
    aside = tmp_path / f"{NAME}.damaged"
    assert state.note.startswith(f"a damaged file was set aside as {aside}, the clock is left as")
    assert aside.read_text() == text
    assert state.load() is None
    assert _files(tmp_path) == [aside.name]


@given(
    st.binary(max_size=200) | st.text().map(lambda text: json.dumps(GOOD | {text: text}).encode())
)
@example(json.dumps(GOOD).encode())
def test_no_bytes_are_followed_that_are_not_a_whole_state(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        state = _state(Path(name))
        (Path(name) / NAME).write_bytes(text)
        former = state.load()
        assert (former is None) == bool(state.note)
        if former is not None:
            assert json.loads(text)["device"] == "gpu"
            assert former.values == json.loads(text)["values"]


def test_nothing_is_read_or_written_through_a_symbolic_link(tmp_path) -> None:
    state = _state(tmp_path)
    target = tmp_path / "root/target"
    target.write_text(json.dumps(GOOD))
    for name in (NAME, f"{NAME}.draft"):
        (tmp_path / name).symlink_to(target)
    assert state.load() is None
    assert "must be no symbolic link" in state.note
    (tmp_path / NAME).symlink_to(target)
    state.save(VALUES)
    assert target.read_text() == json.dumps(GOOD)
    assert not (tmp_path / NAME).is_symlink()
    assert _files(tmp_path) == [NAME, f"{NAME}.damaged"]


def test_a_pipe_at_its_place_does_not_hold_anybody_up(tmp_path) -> None:
    os.mkfifo(tmp_path / NAME)
    state = _state(tmp_path)
    assert state.load() is None
    assert "must be JSON" in state.note


def test_a_folder_that_may_not_be_written_is_named_with_the_remedy() -> None:
    with trees.open_folder() as folder:
        state = _state(folder)
        state.save(VALUES)
        with trees.as_ordinary_user(folder):
            folder.chmod(0o555)
            for act in (lambda: state.save(VALUES), state.remove):
                with pytest.raises(NotPermitted) as refused:
                    act()
                assert str(refused.value) == f"{folder} must be writable by this user; {REMEDY}"
            folder.chmod(0o755)


def test_a_folder_that_is_gone_is_unavailable(tmp_path) -> None:
    trees.write(tmp_path, f"root/{trees.BOOT_ID}", BOOT)
    state = FormerState(tmp_path / "gone", "gpu", tmp_path / "root")
    with pytest.raises(Unavailable, match="gone must take files"):
        state.save(VALUES)
