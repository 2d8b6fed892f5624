# SPDX-License-Identifier: Apache-2.0
"""Shows how far a calibration is and how long it will take yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from coinfer_ros.tools.calibration.partial import Partial
from coinfer_ros.tools.calibration.steps import Step, take


def take_all(steps: Sequence[Step], partial: Partial) -> dict[str, Any]:
    """Take every step that is not done yet, with a bar on stderr, and keep what it measured.

    :param steps: in the order to take them in.
    :param partial: what was measured before, and where the rest is kept.
    :returns: every measurement by its name.
    """
    console, units = Console(stderr=True), {step.key: step.units for step in steps}
    if partial.done:
        console.print(f"taking over {len(partial.done)} of {len(steps)} measurements")
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:

        def done() -> int:
            return sum(units[key] for key in partial.done)

        def keep(key: str, value: object) -> None:
            partial.keep(key, value)
            bar.update(task, completed=done())

        task = bar.add_task("measure", total=sum(units.values()), completed=done())
        return take(
            steps,
            partial.done,
            keep=keep,
            begin=lambda step: bar.update(task, description=step.title),
            tick=lambda: bar.advance(task),
        )
