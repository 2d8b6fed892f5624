# SPDX-License-Identifier: Apache-2.0
"""What `coinfer replay --json` prints: one object."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from coinfer_ros.tools.replaying.comparison import Difference
from coinfer_ros.tools.replaying.replayed import Replayed


def print_json(bag: str, robots: Sequence[Replayed]) -> None:
    """Print one JSON object; it has no NaN and no infinity, so those are null."""
    record = {
        "bag": bag,
        "equal": all(robot.equal for robot in robots),
        "robots": [_record(robot) for robot in robots],
    }
    print(json.dumps(_strict(record), allow_nan=False))


def _record(robot: Replayed) -> dict[str, Any]:
    reasons = [(v.recorded.plan_id, v.reason) for v in robot.verdicts if v.reason]
    return {
        "robot_id": robot.robot_id,
        "plans": len(robot.verdicts),
        "recomputed": len(robot.recomputed),
        "equal": len(robot.recomputed) - len(robot.different),
        "different": [
            _plan(v.recorded.plan_id, v.differences, "recorded", "recomputed")
            for v in robot.different
        ],
        "not_recomputed": [{"plan_id": number, "reason": why} for number, why in reasons],
        "repeated_differently": [
            _plan(r.plan_id, r.differences, "first", "then") for r in robot.repetitions
        ],
        "traces": robot.traces,
        "answers": robot.answers,
        "evidence": dataclasses.asdict(robot.evidence),
        "what_if": None if robot.what_if is None else dataclasses.asdict(robot.what_if),
    }


def _plan(number: int, found: Sequence[Difference], one: str, other: str) -> dict[str, Any]:
    fields = [{"field": d.field, one: d.one, other: d.other} for d in found]
    return {"plan_id": number, "rounding": all(d.rounding for d in found), "fields": fields}


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _strict(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
