# SPDX-License-Identifier: Apache-2.0
"""Where the story is shown: a live screen on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live

from coinfer_ros.tools.demo.story import Story
from coinfer_ros.tools.demo.view import plain, view


class Redraw:
    """Shows the story: a live screen on a terminal, a line for each news elsewhere."""

    def __init__(self, story: Story, console: Console, live: Live | None) -> None:
        self._story, self._console, self._live = story, console, live
        self._told = 0
        self._plan_id = 0

    def __call__(self) -> None:
        """Show what is new."""
        if self._live is not None:
            self._live.update(view(self._story), refresh=True)
            return
        plan = self._story.plan
        if plan and plan["plan_id"] != self._plan_id:
            self._plan_id = plan["plan_id"]
            self._console.print(f"plan {self._plan_id}: {plan['message']}", soft_wrap=True)
        if len(self._story.rows) > self._told:
            self._console.print(plain(self._story), soft_wrap=True, markup=False, highlight=False)
        self._told = len(self._story.rows)


@contextlib.contextmanager
def screen(story: Story, console: Console) -> Iterator[Redraw]:
    """Return what shows the story on this console until the block ends."""
    if not console.is_terminal:
        yield Redraw(story, console, None)
        return
    with Live(view(story), console=console, auto_refresh=False) as live:
        yield Redraw(story, console, live)
