# SPDX-License-Identifier: Apache-2.0
"""One section of the figures: a table, the verdicts on targets, and how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Section:
    """What one section measured.

    :param title: what the figures are of.
    :param columns: heads; a column's unit is in its head.
    :param rows: cells, as many as there are columns.
    :param verdicts: a sentence for each target: met or missed.
    :param reading: how each figure is measured, and what it leaves out.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    verdicts: tuple[str, ...] = ()
    reading: str = ""


def verdict(target: str, *, met: bool, seen: str) -> str:
    """Return the sentence on a target."""
    return f"Target, {target}: {'met' if met else 'missed'} ({seen})."


def on_screen(section: Section) -> RenderableType:
    """Return the section for a terminal."""
    table = Table(title=section.title, title_justify="left", box=box.SIMPLE)
    for name, is_text in zip(section.columns, _text_columns(section), strict=True):
        table.add_column(name, justify="left" if is_text else "right")
    for row in section.rows:
        table.add_row(*map(Text, row))
    return Group(table, *map(Text, section.verdicts), Text(section.reading, style="dim"))


def on_page(section: Section) -> str:
    """Return the section as Markdown."""
    rules = [":--" if is_text else "--:" for is_text in _text_columns(section)]
    lines = [_line(cells) for cells in (section.columns, rules, *section.rows)]
    words = [*(f"**{sentence}**" for sentence in section.verdicts), section.reading]
    parts = [f"## {section.title}", "\n".join(lines), *(fill(text, 100) for text in words)]
    return "\n\n".join(filter(None, parts))


def _text_columns(section: Section) -> list[bool]:
    """Say of each column whether it holds words, which go to the left."""
    return [
        any(not row[column][:1].isdigit() for row in section.rows)
        for column in range(len(section.columns))
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
