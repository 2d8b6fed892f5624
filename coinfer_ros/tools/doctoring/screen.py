# SPDX-License-Identifier: Apache-2.0
"""Shows findings to people: a table a area, and what to run at the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from coinfer_ros.tools.doctoring.finding import Finding, Status

COLOURS = {
    Status.GOOD: "green",
    Status.LIMITED: "yellow",
    Status.MISSING: "dim",
    Status.FAULT: "bold red",
}


def show(findings: Sequence[Finding], remedies: Sequence[str], conclusion: str) -> None:
    """Print the findings, each remedy once, and what follows from all of it."""
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(max_width=18)
    table.add_column(ratio=1, overflow="fold")
    for area, group in groupby(findings, key=lambda found: found.area):
        table.add_row(Text(area, style="bold"))
        for found in group:
            status = Text(found.status.value, style=COLOURS[found.status])
            style = COLOURS[found.status] if found.status is Status.MISSING else ""
            table.add_row(status, Text(found.name), Text(found.detail), style=style)
        table.add_section()
    console.print(table)
    if remedies:
        console.print(Text("What would mend it:", style="bold"))
        for remedy in remedies:
            console.print(Text(f"  {remedy}"), soft_wrap=True)
    console.print(Text.assemble(("In short: ", "bold"), conclusion))
