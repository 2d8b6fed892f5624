# SPDX-License-Identifier: Apache-2.0
"""Many episodes become shares, intervals, words and pictures, and none is lost or mixed up."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import cv2
import pytest

from coinfer_ros.sim.task.record import Outcome, Record
from coinfer_ros.tools.resumable.ledger import Ledger
from coinfer_ros.tools.simulating import pictures, words
from coinfer_ros.tools.simulating.cases import CLOSED, SWEEPS, cases
from coinfer_ros.tools.simulating.episodes import EPISODES, FORM
from coinfer_ros.tools.simulating.results import Result, results, save_table

LIMIT_S = 60.0


def record(outcome: Outcome, **changes) -> Record:
    known = {
        "time_s": 5.1,
        "path_m": 1.0,
        "energy_j": 30.0,
        "answers": 20,
        "given_up": 0,
        "over_budget": 2,
        "stale": 0,
        "judged": 10,
        "wrong": 1,
        "delay_s": 0.2,
        "age_s": 0.1 + 0.2,
        "bits": 8.0,
    }
    return Record(outcome, **{**known, **changes})


def episodes(found: int, of: int, otherwise: Outcome = Outcome.MISREAD) -> list[Record]:
    return [record(Outcome.FOUND if k < found else otherwise) for k in range(of)]


def sweep(name: str, found: dict[str, int], of: int = 100) -> list[Result]:
    """Return results of a sweep whose lines find so many everywhere."""
    return [Result(case, tuple(episodes(found[case.line], of)), LIMIT_S) for case in cases([name])]


def test_every_sweep_has_its_cases_each_with_a_name_of_its_own() -> None:
    names = [case.name for case in cases()]
    assert len(set(names)) == len(names)
    assert {case.sweep for case in cases()} == set(SWEEPS)
    assert {case.sweep for case in cases(["bits"])} == {"bits"}


def test_episodes_come_back_from_the_file_as_they_went_in(tmp_path: Path) -> None:
    written = {("a", 0): record(Outcome.FOUND), ("a", 1): record(Outcome.TIMED_OUT, bits=math.nan)}
    with Ledger(tmp_path / EPISODES, FORM) as ledger:
        for key, one in written.items():
            ledger.add(key, one)
    with Ledger(tmp_path / EPISODES, FORM) as ledger:
        assert {key: repr(one) for key, one in ledger.records.items()} == {
            key: repr(one) for key, one in written.items()
        }


def test_cases_are_compared_over_the_episodes_that_all_of_them_have() -> None:
    first, second = cases(["bits"])[:2]
    records = {(first.name, n): record(Outcome.FOUND) for n in range(3)}
    assert results([first, second], records, episodes=3, limit_s=LIMIT_S) == []
    records |= {(second.name, n): record(Outcome.COLLIDED) for n in (0, 2)}
    found = results([first, second], records, episodes=3, limit_s=LIMIT_S)
    assert [len(result.records) for result in found] == [2, 2]
    assert [result.found.value for result in found] == [1.0, 0.0]


def test_what_found_nothing_took_all_the_time() -> None:
    (result, *_) = sweep("bits", {"full clocks": 50})
    assert result.time_s.value == pytest.approx(0.5 * 5.1 + 0.5 * LIMIT_S)
    assert result.wrong == 0.1
    assert result.over_budget == 0.1
    assert result.answer_j == 1.5


def test_the_words_claim_no_more_than_the_intervals() -> None:
    counts = {CLOSED: 90, "16 bits": 60, "4 bits": 89, "2 bits": 100}
    told = words.sentences(sweep("energy", counts), "energy")
    everywhere = ", ".join(dict.fromkeys(case.at for case in cases(["energy"])))
    assert f"more than 16 bits at {everywhere}, and less at none;" in told[0]
    assert "more than 4 bits at none of these, and less at none;" in told[1]
    assert f"more than 2 bits at none of these, and less at {everywhere};" in told[2]
    assert told[3].startswith("  0.15 J: closed loop 90 % [83, 94]; 10 misread, 10% of answers")
    assert "): +30 points [" in told[4]
    assert told[4].endswith("], beyond chance.")
    assert told[5].endswith("], not beyond chance.")
    along = words.sentences(sweep("bits", {"full clocks": 50}), "bits")
    assert along[0].startswith("full clocks: most is found at 2 bits, 50 % [40, 60].")
    assert "50 misread" in along[1]


@pytest.mark.parametrize("name", SWEEPS)
def test_each_sweep_is_tabled_and_drawn(tmp_path: Path, name: str) -> None:
    lines = {case.line for case in cases([name])}
    found = sweep(name, dict.fromkeys(lines, 7), of=10)
    save_table(found, tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert len(rows) == len(cases([name]))
    assert {row["found_share"] for row in rows} == {"0.7"}
    assert {row["misread"] for row in rows} == {"3"}
    pictures.draw(found, name, tmp_path / "picture.png")
    picture = cv2.imread(str(tmp_path / "picture.png"))
    assert picture.shape[0] > 500
    assert picture.std() > 5.0
