# SPDX-License-Identifier: Apache-2.0
"""How episodes stand in their file."""

from __future__ import annotations

import dataclasses

from coinfer_ros.sim.task.record import Outcome, Record
from coinfer_ros.tools.resumable.ledger import Form

EPISODES = "episodes.csv"
Key = tuple[str, int]  # the case's name and the episode's number

_FIELDS = tuple(field.name for field in dataclasses.fields(Record))
_WHOLE = ("answers", "given_up", "over_budget", "stale", "judged", "wrong")


def _cells(key: Key, record: Record) -> list[str]:
    values = (getattr(record, name) for name in _FIELDS)
    told = [value.value if isinstance(value, Outcome) else repr(value) for value in values]
    return [key[0], str(key[1]), *told]


def _record(row: dict[str, str]) -> tuple[Key, Record]:
    rest = {
        name: int(row[name]) if name in _WHOLE else float(row[name])
        for name in _FIELDS
        if name != "outcome"
    }
    record = Record(outcome=Outcome(row["outcome"]), **rest)  # type: ignore[arg-type]
    return (row["case"], int(row["episode"])), record


FORM: Form[Key, Record] = Form("episodes", ("case", "episode", *_FIELDS), _cells, _record)
