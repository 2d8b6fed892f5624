# SPDX-License-Identifier: Apache-2.0
"""Holds a finished file in memory, so that a failure half-way leaves nothing half written."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
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
    """See that files can be written to a folder; leave none behind where there was none.

    :raises Unavailable: when they cannot.
    """
    with _made(folder) as made:
        for new in made:
            new.rmdir()


def write(artifacts: Sequence[Artifact], folder: Path) -> None:
    """Write files, each under its name only once it is whole; a new folder only with its files.

    :raises Unavailable: when the folder cannot be written.
    """
    with _made(folder), tempfile.TemporaryDirectory(dir=folder) as unfinished:
        for artifact in artifacts:
            (Path(unfinished) / artifact.name).write_bytes(artifact.content)
        for artifact in artifacts:
            os.replace(Path(unfinished) / artifact.name, folder / artifact.name)


@contextmanager
def _made(folder: Path) -> Iterator[list[Path]]:
    """Make a folder that can be written; yield those that are new, which go again on an error."""
    new: list[Path] = []
    try:
        new = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        yield new
    except BaseException as error:
        for path in new:
            with suppress(OSError):  # was never made, or holds what somebody else has put there
                path.rmdir()
        if not isinstance(error, OSError):
            raise
        raise Unavailable(
            f"--out must be a folder that can be written, got {str(folder)!r}: {error.strerror}"
        ) from error
