# SPDX-License-Identifier: Apache-2.0
"""Holds a finished file in memory, so that a failure half-way leaves nothing half written."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput, Unavailable

Cell = str | int | float


@dataclass(frozen=True)
class Artifact:
    """One file.

    :param name: its plain name.
    :param content: its bytes.
    """

    name: str
    content: bytes


def csv_artifact(name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Artifact:
    """Return a table as CSV: a header, then every number so that reading it gives it back.

    :param name: the file's name.
    :param columns: names with units.
    :param rows: one value a column.
    :raises InvalidInput: when a row has more values or fewer.

    >>> csv_artifact("t.csv", ["bits", "error"], [(2, 0.1)]).content.decode().split()
    ['bits,error', '2,0.1']
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        if len(row) != len(columns):
            raise InvalidInput(f"rows must have {len(columns)} values each, got {len(row)}")
        writer.writerow([float(cell) if isinstance(cell, float) else cell for cell in row])
    return Artifact(name, text.getvalue().encode())


def ready(folder: Path) -> None:
    """Make a folder and see that files can be written there.

    :raises Unavailable: when they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Unavailable(
            f"--out must be a folder that can be written, got {str(folder)!r}: {error.strerror}"
        ) from error


def write(artifacts: Sequence[Artifact], folder: Path) -> None:
    """Write files, each under its name only once it is whole.

    :raises Unavailable: when the folder cannot be written.
    """
    ready(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as unfinished:
            for artifact in artifacts:
                (Path(unfinished) / artifact.name).write_bytes(artifact.content)
            for artifact in artifacts:
                os.replace(Path(unfinished) / artifact.name, folder / artifact.name)
    except OSError as error:
        raise Unavailable(
            f"--out must be a folder that can be written, got {str(folder)!r}: {error.strerror}"
        ) from error
