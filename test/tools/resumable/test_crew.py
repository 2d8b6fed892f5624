# SPDX-License-Identifier: Apache-2.0
"""A crew does every piece once, though its processes die, and gives up only when all do."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.tools.resumable.crew import DEATHS_MOST, run_all

# A module of its own, for the processes import what they are to do.
WORK = """
import os, signal
from coinfer_ros.core.errors import InvalidInput

def doubled(mark, piece):
    if piece == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * piece

def deadly(piece):
    os.kill(os.getpid(), signal.SIGKILL)

def refusing(piece):
    raise InvalidInput(f"piece must be another, got {piece}")
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    (tmp_path / "work_of_a_crew.py").write_text(WORK)
    monkeypatch.syspath_prepend(str(tmp_path))
    return importlib.import_module("work_of_a_crew")


def run(work, pieces, *, stopping=lambda: False):
    made, told = [], []
    run_all(
        work,
        pieces,
        workers=2,
        stopping=stopping,
        done=lambda piece, result: made.append((piece, result)),
        lost=told.append,
    )
    return made, told


def test_what_a_process_that_died_had_in_hand_is_done_again_and_nothing_twice(
    work: ModuleType, tmp_path: Path
) -> None:
    made, told = run(partial(work.doubled, tmp_path / "killed"), range(10))
    assert sorted(made) == [(piece, 2 * piece) for piece in range(10)]
    assert len(told) == 1
    assert told[0].startswith("a process died")


def test_what_kills_every_process_ends_with_an_error(work: ModuleType) -> None:
    with pytest.raises(CoinferError, match=f"{DEATHS_MOST} processes .* fewer --workers"):
        run(work.deadly, range(2))


def test_a_refusal_comes_through(work: ModuleType) -> None:
    with pytest.raises(InvalidInput, match="piece must be another, got 7"):
        run(work.refusing, [7])


def test_once_stopped_nothing_new_begins(work: ModuleType) -> None:
    assert run(work.refusing, range(10), stopping=lambda: True) == ([], [])
