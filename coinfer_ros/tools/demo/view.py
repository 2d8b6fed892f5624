# SPDX-License-Identifier: Apache-2.0
"""The live view of the demo: frame, caption, plan, delay and energy against budgets, drops."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.style import Style
from rich.table import Table
from rich.text import Text

from coinfer_ros.tools.demo.story import SOURCE, STATUS, Story

BAR = 22


def view(story: Story) -> RenderableType:
    """Return the screen for the story so far."""
    title = story.phase.title if story.phase else "starting"
    return Group(
        Panel(
            _beside(_frame(story.thumbnail), _answer(story)),
            title=f"coinfer_ros demo: {title}",
            title_align="left",
        ),
        Panel(_plan(story), title="plan", title_align="left"),
        Panel(_devices(story), title="devices", title_align="left"),
    )


def _beside(left: RenderableType, right: RenderableType) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    table.add_row(left, right)
    return table


def plain(story: Story) -> str:
    """Return one line for the newest answer, for logs and pipes."""
    answer = story.answer
    plan = story.plan_of(answer)
    return (
        f"[{story.rows[-1]['phase']}] {STATUS[answer['status']]:7} "
        f"{answer['text'] or answer['reason']!r} | {answer['weight_bits']} bits, "
        f"robot {_mhz(answer['robot_clock_hz'])}, edge {_mhz(answer['edge_clock_hz'])} | "
        f"{_number(answer['total_s'], 's')} of {_number(plan.get('budget_delay_s'), 's')}, "
        f"{_number(answer['energy_j'], 'J')} of {_number(plan.get('budget_energy_j'), 'J')}"
    )


def _frame(thumbnail: bytes) -> RenderableType:
    """Draw the camera's frame with half blocks: two pixels a character."""
    picture = Text()
    side = math.isqrt(len(thumbnail) // 3)
    pixels = [thumbnail[k : k + 3] for k in range(0, len(thumbnail), 3)]
    for row in range(0, side, 2):
        for column in range(side):
            upper, lower = pixels[row * side + column], pixels[(row + 1) * side + column]
            picture.append("▀", Style(color=_colour(upper), bgcolor=_colour(lower)))
        picture.append("\n")
    picture.rstrip()
    return picture


def _answer(story: Story) -> RenderableType:
    answer, trace = story.answer, story.trace
    if not answer:
        return Text("waiting for the first answer …", style="dim")
    plan = story.plan_of(answer)
    table = Table.grid(padding=(0, 1))
    good = STATUS[answer["status"]] == "ok"
    table.add_row("answer", Text(f"“{answer['text']}”", style="bold green" if good else "yellow"))
    table.add_row(
        "from", f"{SOURCE[answer['source']]}, {STATUS[answer['status']]} {answer['reason']}"
    )
    table.add_row("bits", f"[bold]{answer['weight_bits']}[/] (wire {answer['wire_bits']})")
    table.add_row("delay", _bar(answer["total_s"], plan.get("budget_delay_s"), "s"))
    table.add_row("energy", _bar(answer["energy_j"], plan.get("budget_energy_j"), "J"))
    table.add_row(
        "stages",
        f"head {_ms(answer['head_s'])}, link {_ms(_link_s(answer))}, tail {_ms(answer['tail_s'])}",
    )
    table.add_row(
        "frames",
        f"{trace.get('frames', 0)} seen, {trace.get('frames_dropped', 0)} dropped, "
        f"{trace.get('answered', 0)} answered, {trace.get('late', 0)} late",
    )
    return table


def _link_s(answer: dict[str, Any]) -> float | None:
    """Return the time between head and tail, s: coding, sending, waiting at the edge."""
    parts = [answer[name] for name in ("encode_s", "transmit_s", "decode_s", "queue_s")]
    return None if None in parts else sum(parts)


def _plan(story: Story) -> RenderableType:
    plan = story.plan
    if not plan:
        return Text("none yet", style="dim")
    table = Table.grid(padding=(0, 1))
    feasible = plan["status"] == 0
    table.add_row(
        f"[bold]{plan['plan_id']}[/]",
        "[green]optimal[/]" if feasible else "[bold red]infeasible, best effort[/]",
        f"{plan['weight_bits']} bits, robot {_mhz(plan['robot_clock_hz'])}, "
        f"edge {_mhz(plan['edge_clock_hz'])}, predicted {_number(plan['predicted_delay_s'], 's')} "
        f"and {_number(plan['predicted_energy_j'], 'J')}",
    )
    table.add_row("", "binds", plan["binding"])
    table.add_row("", "why", plan["message"])
    return table


def _devices(story: Story) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for role, state in sorted(story.states.items(), reverse=True):
        simulated = " (simulated)" if state["simulated"] else ""
        table.add_row(
            f"{role}: {state['board']}{simulated}",
            f"{_number(state['power_w'], 'W')}",
            f"{_mhz(state['clock_hz'])} of {_mhz(state['requested_clock_hz'])} asked",
            f"load {state['load']:.0%}" if state["load"] is not None else "",
        )
    return table


def _bar(value: float | None, budget: float | None, unit: str) -> Text:
    if value is None or not budget:
        return Text(_number(value, unit))
    filled = min(round(value / budget * BAR), BAR)
    style = "green" if value <= budget else "bold red"
    text = Text("█" * filled, style=style)
    text.append("░" * (BAR - filled), style="dim")
    text.append(f" {_number(value, unit)} of {_number(budget, unit)}", style=style)
    return text


def _colour(pixel: bytes) -> str:
    return f"#{pixel.hex()}"


def _number(value: Any, unit: str) -> str:
    return f"? {unit}" if value is None else f"{value:.3g} {unit}"


def _mhz(value: float | None) -> str:
    return "? MHz" if value is None else f"{value / 1e6:.0f} MHz"


def _ms(value: float | None) -> str:
    return "? ms" if value is None else f"{value * 1e3:.0f} ms"
