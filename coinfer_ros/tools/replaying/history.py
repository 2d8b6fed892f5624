# SPDX-License-Identifier: Apache-2.0
"""What a bag holds of each robot, in the order that it was received."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from coinfer_ros import resources
from coinfer_ros.adapters.bag_reader import Heard, messages
from coinfer_ros.adapters.plan_messages import Outcome, read_outcome, read_plan
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.planning.record import PlanRecord
from coinfer_ros.tools.replaying.comparison import Difference, differences

WANTED = {
    "costs": "coinfer_ros/msg/Costs",
    "basis": "coinfer_ros/msg/Basis",
    "plan": "coinfer_ros/msg/Plan",
    "trace": "coinfer_ros/msg/Trace",
    "answer": "coinfer_ros/msg/Answer",
}
NEEDED = ("costs", "basis", "plan")

Item = TypeVar("Item")


@dataclass(frozen=True)
class At(Generic[Item]):
    """Something, and when it was received."""

    at_ns: int
    item: Item


@dataclass(frozen=True)
class Planned:
    """A plan as it was received first.

    :param life: of its controller, counted from 0.
    """

    at_ns: int
    life: int
    record: PlanRecord


@dataclass(frozen=True)
class Repetition:
    """A plan that was sent again with other contents."""

    plan_id: int
    differences: tuple[Difference, ...]


@dataclass
class History:
    """What a bag holds of one robot.

    A controller that starts again counts its plans from 1 again: that is another life, with other
    Costs. Within a life latched topics are received in any order, as the recorder finds them.
    """

    robot_id: str
    plans: list[Planned] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    costs: list[At[Any]] = field(default_factory=list)
    bases: dict[int, list[At[Any]]] = field(default_factory=lambda: defaultdict(list))
    outcomes: dict[int, At[Outcome]] = field(default_factory=dict)  # by request
    traces: int = 0
    answers: int = 0
    _newest: dict[str, Planned] = field(default_factory=dict)  # by topic
    _first: dict[tuple[int, int], PlanRecord] = field(default_factory=dict)  # by life and number
    _ends_ns: dict[int, int] = field(default_factory=dict)  # by life

    def add(self, heard: Heard) -> None:
        """Take the next message."""
        message, at_ns = heard.message, heard.at_ns
        if heard.name == "costs":
            self.costs.append(At(at_ns, message))
        elif heard.name == "basis":
            self.bases[message.plan_id].append(At(at_ns, message))
        elif heard.name == "plan":
            self._add_plan(heard.topic, at_ns, read_plan(message))
        else:
            self.traces += heard.name == "trace"
            self.answers += heard.name == "answer"
            outcome = read_outcome(message)  # a trace and an answer say the same
            self.outcomes.setdefault(outcome.request_id, At(at_ns, outcome))

    def basis_of(self, plan: Planned) -> Any | None:
        """Return the Basis message of a plan, None when there is none."""
        return newest(self.bases.get(plan.record.plan_id, []), self._ends_ns[plan.life])

    def costs_of(self, plan: Planned) -> Any | None:
        """Return the Costs message of a plan's life, None when there is none."""
        return newest(self.costs, self._ends_ns[plan.life])

    def under_plans(self) -> Iterator[tuple[Outcome, PlanRecord | None]]:
        """Yield what came of each request with its plan, None where the bag does not hold it."""
        lives = defaultdict(list)
        for plan in self.plans:
            lives[plan.record.plan_id].append(At(plan.at_ns, plan.record))
        for outcome in self.outcomes.values():
            of = lives[outcome.item.plan_id]
            first = of[0].item if of else None
            yield outcome.item, newest(of, outcome.at_ns) or first

    def _add_plan(self, topic: str, at_ns: int, plan: PlanRecord) -> None:
        before = self._newest.get(topic)
        life = 0 if before is None else before.life + (plan.plan_id < before.record.plan_id)
        self._newest[topic], self._ends_ns[life] = Planned(at_ns, life, plan), at_ns
        first = self._first.setdefault((life, plan.plan_id), plan)
        if first is plan:
            self.plans.append(self._newest[topic])
        elif found := differences(first, plan):
            self.repetitions.append(Repetition(plan.plan_id, found))


def newest(entries: list[At[Item]], at_ns: int) -> Item | None:
    """Return the newest that was there at a time, None when there was none.

    >>> newest([At(2, "a"), At(4, "b"), At(9, "c")], 5)
    'b'
    """
    before = [entry.item for entry in entries if entry.at_ns <= at_ns]
    return before[-1] if before else None


def read(path: Path) -> tuple[History, ...]:
    """Return what a bag holds of each robot that it holds plans of.

    :raises InvalidInput: when it is no bag, is of another version, or lacks a topic.
    """
    histories = gathered(messages(path, WANTED, resources.path("msg")))
    held = {
        "costs": any(history.costs for history in histories),
        "basis": any(history.bases for history in histories),
        "plan": any(history.plans for history in histories),
    }
    missing = [name for name in NEEDED if not held[name]]
    if missing:
        raise InvalidInput(
            f"BAG must hold the topics {', '.join(NEEDED)} of a controller, got none of "
            f"{', '.join(missing)} in {str(path)!r}"
        )
    return tuple(history for history in histories if history.plans)


def gathered(heard: Iterable[Heard]) -> tuple[History, ...]:
    """Return messages by the robot that they are of, in the order of the robots' first ones."""
    histories: dict[str, History] = {}
    for one in heard:
        robot_id = one.message.robot_id
        histories.setdefault(robot_id, History(robot_id)).add(one)
    return tuple(histories.values())
