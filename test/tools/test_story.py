# SPDX-License-Identifier: Apache-2.0
"""What the demo makes of the recorder's lines, in whatever order they come."""

from __future__ import annotations

from coinfer_ros.tools.demo.phases import Phase
from coinfer_ros.tools.demo.story import COLUMNS, Story

RELAXED, TIGHT = Phase("relaxed", 1.0, 2.0), Phase("tight", 0.5, 2.0)
PLAN = {"plan_id": 7, "budget_delay_s": 1.0, "budget_energy_j": 2.0, "status": 0}


def line(topic, message, at_s=10.0):
    return {"topic": topic, "at_s": at_s, "message": message}


def answer(plan_id):
    return dict.fromkeys(COLUMNS) | {"plan_id": plan_id, "status": 0, "source": 1}


def told(*lines):
    story = Story()
    story.begin_phase(RELAXED, 9.0)
    for one in lines:
        story.tell(one)
    return story


def test_an_answer_that_comes_before_its_plan_gets_its_phase_when_the_plan_is_there():
    early = told(line("answer", answer(7)), line("plan", PLAN))
    late = told(line("plan", PLAN), line("answer", answer(7)))
    assert early.rows == late.rows
    assert early.rows[0]["phase"] == "relaxed"
    assert early.rows[0]["plan_status"] == "optimal"


def test_an_answer_keeps_the_phase_of_its_plan_when_the_next_one_has_begun():
    story = told(line("plan", PLAN))
    story.begin_phase(TIGHT, 10.0)
    story.tell(line("plan", PLAN | {"plan_id": 8, "budget_delay_s": 0.5}))
    for plan_id in (7, 8):
        story.tell(line("answer", answer(plan_id)))
    assert [row["phase"] for row in story.rows] == ["relaxed", "tight"]
