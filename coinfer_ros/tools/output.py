# SPDX-License-Identifier: Apache-2.0
"""Prints an answer on stdout: one strict JSON object for scripts, a table for people."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

Value = str | int | float | None


def print_json(record: Mapping[str, Value]) -> None:
    """Print ``record`` as one JSON object on one line; JSON has no infinity, so that is null."""
    strict = {name: None if _is_infinite(value) else value for name, value in record.items()}
    print(json.dumps(strict, allow_nan=False))


def print_table(title: str, rows: Sequence[tuple[str, str]], note: str = "") -> None:
    """Print a title, names with their values, and a note."""
    # Here, not above: scripts ask for JSON and need not wait for it.
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=box.SIMPLE, show_header=False)
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    console = Console()
    console.print(table)
    if note:
        console.print(Text(note), soft_wrap=True)


def _is_infinite(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
