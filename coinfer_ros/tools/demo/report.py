# SPDX-License-Identifier: Apache-2.0
"""The picture and the words that the demo leaves behind."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from coinfer_ros.tools.demo.story import Row, Story

_DELAY, _ENERGY, _BITS, _ROBOT, _EDGE = "#1f6fb4", "#c8553d", "#3b7a57", "#6a4c93", "#b8860b"


def draw(story: Story, path: Path) -> None:
    """Draw budgets, delay, energy, bits and clocks over time as a PNG."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots(
        4, 1, figsize=(11, 9.5), sharex=True, layout="constrained", height_ratios=(3, 3, 2, 2)
    )
    rows = [row for row in story.rows if row["status"] == "ok"]
    _draw_budgeted(axes[0], rows, "total_s", "budget_delay_s", label="delay, s", colour=_DELAY)
    _draw_budgeted(axes[1], rows, "energy_j", "budget_energy_j", label="energy, J", colour=_ENERGY)
    at_s = [row["at_s"] for row in rows]
    bits = [row["weight_bits"] for row in rows]
    axes[2].step(at_s, bits, ".-", where="post", color=_BITS)
    axes[2].set_ylabel("bits a weight,\nrobot's half")
    axes[2].set_yscale("log", base=2)
    axes[2].set_yticks([2, 3, 4, 6, 8, 16], labels=["2", "3", "4", "6", "8", "16"])
    axes[2].set_ylim(1.7, 19)
    for name, colour in (("robot", _ROBOT), ("edge", _EDGE)):
        clocks = [(row[f"{name}_clock_hz"] or math.nan) / 1e6 for row in rows]
        axes[3].step(at_s, clocks, where="post", color=colour, label=name)
    axes[3].set_ylabel("clock, MHz")
    axes[3].set_ylim(bottom=0)
    axes[3].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    axes[3].set_xlabel("time, s")
    _mark_phases(axes, story)
    simulated = "simulated boards" if any(row["simulated"] for row in rows) else "this machine"
    figure.suptitle(f"Each answer against the budgets of its plan ({simulated})")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_budgeted(
    axis: Any, rows: list[Row], value: str, budget: str, *, label: str, colour: str
) -> None:
    known = [row for row in rows if row[value] is not None and row[budget] is not None]
    kept = [row for row in known if row[value] <= row[budget]]
    over = [row for row in known if row[value] > row[budget]]
    axis.step(
        [row["at_s"] for row in known],
        [row[budget] for row in known],
        where="post",
        color="black",
        lw=2,
        label="budget",
    )
    for group, marker, name in ((kept, "o", "within"), (over, "x", "over")):
        at_s = [row["at_s"] for row in group]
        axis.plot(at_s, [row[value] for row in group], marker, color=colour, ms=4, label=name)
    axis.set_ylabel(label)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter("{x:g}")
    axis.yaxis.set_minor_formatter("")
    axis.margins(y=0.15)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _mark_phases(axes: Any, story: Story) -> None:
    end_s = max((row["at_s"] for row in story.rows), default=1.0)
    starts = [start_s for start_s, _ in story.changes]
    stops = [*starts[1:], max(end_s, starts[-1] + 1.0) if starts else end_s]
    infeasible = {row["phase"] for row in story.rows if row["plan_status"] == "infeasible"}
    for number, ((start_s, phase), stop_s) in enumerate(zip(story.changes, stops, strict=True)):
        bad = phase.title in infeasible
        for axis in axes:
            axis.axvspan(
                start_s,
                stop_s,
                color="#c8553d" if bad else "#777777",
                alpha=0.12 if bad or number % 2 else 0.0,
                lw=0,
            )
        axes[0].text(
            (start_s + stop_s) / 2,
            1.04,
            f"{phase.title}: best effort" if bad else phase.title,
            transform=axes[0].get_xaxis_transform(),
            ha="center",
        )


def summary(story: Story) -> list[Row]:
    """Return a row a phase: answers, budgets kept, median delay and energy, bits, clocks."""
    table = []
    for _, phase in story.changes:
        rows = [r for r in story.rows if r["phase"] == phase.title and r["status"] == "ok"]
        table.append(
            {
                "phase": phase.title,
                "answers": len(rows),
                "in time": _share(rows, "total_s", "budget_delay_s"),
                "in J": _share(rows, "energy_j", "budget_energy_j"),
                "s": _median(rows, "total_s"),
                "J": _median(rows, "energy_j"),
                "bits": _median(rows, "weight_bits"),
                "robot": _median(rows, "robot_clock_hz", 1e-6),
                "edge": _median(rows, "edge_clock_hz", 1e-6),
            }
        )
    return table


def _share(rows: list[Row], value: str, budget: str) -> str:
    known = [row for row in rows if row[value] is not None and row[budget] is not None]
    kept = sum(row[value] <= row[budget] for row in known)
    return f"{kept}/{len(known)}"


def _median(rows: list[Row], name: str, scale: float = 1.0) -> str | None:
    values = sorted(row[name] for row in rows if row[name] is not None)
    return f"{values[len(values) // 2] * scale:.4g}" if values else None
