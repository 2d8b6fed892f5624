# SPDX-License-Identifier: Apache-2.0
"""Keeps every result in a file as soon as it is there, so that none is computed twice."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Generic, TypeVar

from coinfer_ros.core.closing import Closing
from coinfer_ros.core.errors import InvalidInput, Unavailable

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class Form(Generic[Key, Value]):
    """How results stand in a CSV file.

    :param things: what they are called, in the plural.
    :param columns: the file's header.
    :param write: key and value to cells.
    :param read: the cells by their columns to key and value; raises ValueError, KeyError or
        TypeError for what is none.
    """

    things: str
    columns: Sequence[str]
    write: Callable[[Key, Value], Sequence[str]]
    read: Callable[[dict[str, str]], tuple[Key, Value]]


class Ledger(Closing, Generic[Key, Value]):
    """The results in one file.

    :param path: of the file; new, or of an earlier run.
    :param form: how they stand in it.
    :raises InvalidInput: when something else is in the file.
    :raises Unavailable: when it cannot be written.
    :ivar records: what is there.
    """

    def __init__(self, path: Path, form: Form[Key, Value]) -> None:
        self.records: dict[Key, Value] = {}
        self._form = form
        self._file: IO[str] | None = None
        try:
            self._read(path)
            begun = path.exists()
            self._file = path.open("a", encoding="utf-8", newline="")
            if not begun:
                self._line(form.columns)
        except OSError as error:
            raise Unavailable(f"{path} must be a file that can be written: {error}") from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add(self, key: Key, value: Value) -> None:
        """Keep a result."""
        self._line(self._form.write(key, value))
        self.records[key] = value

    def _line(self, cells: Sequence[str]) -> None:
        assert self._file is not None  # noqa: S101  opened at the start, closed at the end
        csv.writer(self._file).writerow(cells)
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
        rows = csv.DictReader(whole.decode(errors="replace").splitlines())
        for number, row in enumerate(rows, start=2):
            try:
                key, value = self._form.read(row)
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidInput(
                    f"{path} must hold {self._form.things}, got line {number}: {error!r}"
                ) from error
            self.records[key] = value
