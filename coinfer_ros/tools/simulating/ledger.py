# SPDX-License-Identifier: Apache-2.0
"""Keeps every episode in a file as soon as it has ended, so that none is run twice."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
from pathlib import Path
from typing import IO

from coinfer_ros.core.closing import Closing
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.sim.task.record import Outcome, Record

SETTINGS, EPISODES = "settings.json", "episodes.csv"
_FIELDS = tuple(field.name for field in dataclasses.fields(Record))
_COLUMNS = ("case", "episode", *_FIELDS)
_WHOLE = ("answers", "given_up", "over_budget", "stale", "judged", "wrong")
Key = tuple[str, int]


class Ledger(Closing):
    """The episodes of one experiment in one folder.

    :param folder: a new or empty one, or that of the same experiment.
    :param settings: all that an episode hangs on, as JSON has it.
    :raises InvalidInput: when something else is in the folder.
    :raises Unavailable: when it cannot be written.
    """

    def __init__(self, folder: Path, settings: dict[str, object]) -> None:
        self.folder = folder
        self.records: dict[Key, Record] = {}
        self._file: IO[str] | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open(json.loads(json.dumps(settings)))
        except (FileExistsError, NotADirectoryError) as error:
            raise InvalidInput(f"--out must be a folder, got {str(folder)!r}") from error
        except OSError as error:
            raise Unavailable(
                f"--out must be a folder that can be written, got {str(folder)!r}: {error}"
            ) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add(self, key: Key, record: Record) -> None:
        """Keep an episode.

        :param key: the case's name and the episode's number.
        """
        assert self._file is not None  # noqa: S101  opened at the start, closed at the end
        csv.writer(self._file).writerow([*key, *_cells(record)])
        self._file.flush()
        self.records[key] = record

    def _open(self, settings: object) -> None:
        path, told = self.folder / EPISODES, self.folder / SETTINGS
        if told.exists():
            _check_same(self.folder, json.loads(told.read_text(encoding="utf-8")), settings)
            self._read(path)
        elif any(self.folder.iterdir()):
            raise InvalidInput(
                f"--out must be a new folder or that of an earlier run, got {str(self.folder)!r} "
                f"without {SETTINGS}"
            )
        else:
            told.write_text(json.dumps(settings, indent=1), encoding="utf-8")
        begun = path.exists()
        self._file = path.open("a", encoding="utf-8", newline="")
        if not begun:
            csv.writer(self._file).writerow(_COLUMNS)
            self._file.flush()

    def _read(self, path: Path) -> None:
        """Read what is whole; a line that a power cut left half written is cut off."""
        if not path.exists():
            return
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            os.truncate(path, len(whole))
        if not whole:
            path.unlink()
            return
        for number, row in enumerate(csv.DictReader(whole.decode().splitlines()), start=2):
            try:
                self.records[row["case"], int(row["episode"])] = _record(row)
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(
                    f"{path} must hold episodes, got line {number}: {error!r}"
                ) from error


def _check_same(folder: Path, found: object, wanted: object) -> None:
    if found == wanted:
        return
    assert isinstance(wanted, dict)  # noqa: S101
    others = [
        name for name in wanted if not isinstance(found, dict) or found.get(name) != wanted[name]
    ]
    raise InvalidInput(
        f"--out must be a new folder or that of the same experiment, got {str(folder)!r}, which "
        f"differs in {', '.join(others) or 'its settings'}"
    )


def _cells(record: Record) -> list[str]:
    values = (getattr(record, name) for name in _FIELDS)
    return [value.value if isinstance(value, Outcome) else repr(value) for value in values]


def _record(row: dict[str, str]) -> Record:
    rest = {
        name: int(row[name]) if name in _WHOLE else float(row[name])
        for name in _FIELDS
        if name != "outcome"
    }
    return Record(outcome=Outcome(row["outcome"]), **rest)  # type: ignore[arg-type]
