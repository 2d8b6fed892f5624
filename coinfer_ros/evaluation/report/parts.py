# SPDX-License-Identifier: Apache-2.0
"""Holds what a report is made of: sections of figures and tables, each with its command."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation.figures.artifact import Artifact

# https://www.w3.org/TR/png-3: the signature, then IHDR with width and height; IEND is the last.
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_NUMBER = re.compile(r"[<>≤≥≈~]?\s*[+\-−]?\.?\d")


@dataclass(frozen=True)
class Figure:
    """A picture.

    :param artifact: the PNG.
    :param caption: what it shows; may have code and links (:mod:`.prose`).
    :param alt: what it says, for who does not see it.
    :param csv: names of the files beside the page that hold its numbers.
    """

    artifact: Artifact
    caption: str
    alt: str
    csv: tuple[str, ...]

    def __post_init__(self) -> None:
        name, content = self.artifact.name, self.artifact.content
        if not content.startswith(_PNG_START) or not content.endswith(_PNG_END):
            raise InvalidInput(f"artifact must be a whole PNG, got {len(content)} bytes of {name}")
        _not_empty(f"caption of {name}", self.caption)
        _not_empty(f"alt of {name}", self.alt)
        _names(self.csv)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height as the PNG states them, pixels."""
        width, height = struct.unpack_from(">2I", self.artifact.content, len(_PNG_START))
        return width, height


@dataclass(frozen=True)
class Table:
    """Rows of cells, already written as they are to be read.

    :param title: what it lists.
    :param columns: names with units.
    :param rows: a cell a column; the first one names the row.
    :param note: what belongs to it in smaller letters; may have code and links.
    :param csv: names of the files beside the page that hold its numbers.
    :param marked: cells (row, column) in bold, both from 0.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    csv: tuple[str, ...] = ()
    marked: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        _not_empty("title of a table", self.title)
        wrong = [row for row in self.rows if len(row) != len(self.columns)]
        if wrong or not self.rows or not self.columns:
            got = f"{len(wrong[0])} in {wrong[0]!r:.80}" if wrong else f"{len(self.rows)} rows"
            raise InvalidInput(
                f"rows of {self.title!r} must be at least one, of {len(self.columns)} cells, "
                f"one for each column, got {got}"
            )
        outside = sorted(
            cell
            for cell in self.marked
            if cell[0] not in range(len(self.rows)) or cell[1] not in range(len(self.columns))
        )
        if outside:
            raise InvalidInput(f"marked must be cells of {self.title!r}, got {outside[0]}")
        _names(self.csv)

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether most cells of a column are numbers, for each column."""
        columns = zip(*self.rows, strict=True)
        numbers = (sum(bool(_NUMBER.match(cell)) for cell in column) for column in columns)
        return tuple(2 * count > len(self.rows) for count in numbers)


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    :param title: the heading.
    :param paragraphs: running text, which may have code and links (:mod:`.prose`).
    :param parts: figures and tables, in their order.
    :param command: exactly what makes these numbers.
    """

    title: str
    paragraphs: tuple[str, ...]
    parts: tuple[Figure | Table, ...]
    command: str

    def __post_init__(self) -> None:
        _not_empty("title of a section", self.title)
        _not_empty(f"command of {self.title!r}", self.command)
        for part in self.parts:
            if not isinstance(part, Figure | Table):
                raise InvalidInput(
                    f"parts of {self.title!r} must be of Figure and Table, got {part!r:.80}"
                )


def _not_empty(name: str, text: str) -> None:
    if not text.strip():
        raise InvalidInput(f"{name} must have words, got {text!r}")


def _names(csv: Sequence[str]) -> None:
    for name in csv:
        if not re.fullmatch(r"[^/\\:]+\.csv", name):
            raise InvalidInput(f"csv must be plain names of .csv files, got {name!r}")
