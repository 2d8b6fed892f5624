# SPDX-License-Identifier: Apache-2.0
"""What the recorder has told so far: the newest of everything, and a row for each answer."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coinfer_ros.tools.demo.phases import Phase

STATUS = ("ok", "refused", "late", "failed")
SOURCE = ("none", "edge", "stale", "local")
COLUMNS = (
    "at_s",
    "phase",
    "budget_delay_s",
    "budget_energy_j",
    "plan_id",
    "plan_status",
    "status",
    "source",
    "text",
    "weight_bits",
    "wire_bits",
    "robot_clock_hz",
    "edge_clock_hz",
    "total_s",
    "head_s",
    "encode_s",
    "transmit_s",
    "decode_s",
    "queue_s",
    "tail_s",
    "energy_j",
    "energy_error_j",
    "head_j",
    "transmit_j",
    "tail_j",
    "gross_j",
    "simulated",
)

Message = dict[str, Any]
Row = dict[str, Any]


@dataclass
class Story:
    """The demo as it unfolds.

    :param phase: the phase now.
    """

    phase: Phase | None = None
    plan: Message = field(default_factory=dict)
    answer: Message = field(default_factory=dict)
    trace: Message = field(default_factory=dict)
    states: dict[str, Message] = field(default_factory=dict)
    thumbnail: bytes = b""
    rows: list[Row] = field(default_factory=list)
    plans: dict[int, Message] = field(default_factory=dict)
    refused_settings: list[str] = field(default_factory=list)
    changes: list[tuple[float, Phase]] = field(default_factory=list)
    begun_s: float | None = None

    def tell(self, line: Message) -> None:
        """Take one line of the recorder into account."""
        topic, message = line["topic"], line["message"]
        if topic == "plan":
            self.plan = self.plans[message["plan_id"]] = message
            for row in self.rows:  # topics have no common order: answers may come before their plan
                if row["plan_id"] == message["plan_id"]:
                    row.update(self._told_by(message))
        elif topic == "answer":
            self._add(line["at_s"], message)
        elif topic == "trace":
            self.trace = message
        elif topic == "thumbnail":
            self.thumbnail = bytes.fromhex(message["rgb"])
        elif topic.endswith("/state"):
            self.states[message["device"]] = message
        elif topic == "set" and not message["done"]:
            self.refused_settings.append(message["reason"])

    def begin_phase(self, phase: Phase, at_s: float) -> None:
        """Note that the budgets change now.

        :param at_s: monotonic time, s.
        """
        self.phase = phase
        if self.begun_s is None:
            self.begun_s = at_s
        self.changes.append((at_s - self.begun_s, phase))

    def plan_of(self, answer: Message) -> Message:
        """Return the plan that a request was made under, empty when it is not known."""
        return self.plans.get(answer["plan_id"], {})

    @property
    def answered(self) -> int:
        """Answers with status OK."""
        return sum(row["status"] == "ok" for row in self.rows)

    def save(self, path: Path) -> None:
        """Write a row for each answer as CSV."""
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)

    def _add(self, at_s: float, answer: Message) -> None:
        self.answer = answer
        plan = self.plan_of(answer)
        row = {name: answer[name] for name in COLUMNS if name in answer}
        row |= self._told_by(plan)
        row |= {
            "at_s": round(at_s - (self.begun_s or at_s), 4),
            "status": STATUS[answer["status"]],
            "source": SOURCE[answer["source"]],
        }
        self.rows.append(row)

    def _told_by(self, plan: Message) -> Row:
        """Return the columns of an answer that its plan tells."""
        return {
            "phase": self._phase_of(plan),
            "budget_delay_s": plan.get("budget_delay_s"),
            "budget_energy_j": plan.get("budget_energy_j"),
            "plan_status": ("optimal", "infeasible")[plan["status"]] if plan else None,
        }

    def _phase_of(self, plan: Message) -> str:
        """Return the newest phase with the plan's budgets: an answer may come after its phase."""
        budgets = plan.get("budget_delay_s"), plan.get("budget_energy_j")
        titles = [p.title for _, p in self.changes if (p.delay_s, p.energy_j) == budgets]
        return titles[-1] if titles else ""
