# SPDX-License-Identifier: Apache-2.0
"""Which requests an edge takes, in which order, together with which; time is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from coinfer_ros.core import checks
from coinfer_ros.core.admission.batches import fill
from coinfer_ros.core.admission.pace import Pace
from coinfer_ros.core.admission.plan import Place, plan
from coinfer_ros.core.admission.records import Admission, Counts, Request, Turn, Verdict
from coinfer_ros.core.admission.robots import Robots
from coinfer_ros.core.errors import InvalidInput

T = TypeVar("T")
A = TypeVar("A")


class Queue(Generic[T, A]):
    """The waiting requests of several robots, the newest of each, for one model.

    Robots take turns in rounds, one turn a round; in one round the earliest deadline comes first.
    A round is over when nobody of it waits. Who asks again in a round in which it had its turn, or
    asks for the first time, waits for the next round; an idle edge begins a new one (start-time
    fair queueing of Goyal, Vin and Cheng, SIGCOMM 1996, with deadlines inside a round). What it
    promises, as far as runs take what :class:`Pace` expects of them:

    * While several robots wait without pause, none has two turns more than another. Before a
      request of this round goes at most one request of each other robot, the running one included;
      before one of the next round one more. That holds whatever deadlines they name and however
      often they ask; names that are new since then come after it.
    * A request that cannot be answered in time after those before it is refused as it arrives, or
      dropped before it costs the model's time. So there are as many answers in time above the
      edge's capacity as at it. A robot that was refused keeps its turn in the round.
    * An idle edge tries all the same what it holds for impossible: that shows whether it is.

    Each robot has one place and ``max_robots`` have one at a time; of twice as many it is
    remembered whose turn it is.

    :param max_robots: robots that may have a request waiting.
    :param max_batch: most requests to answer together.
    :param pace: how long batches take; learns from what :meth:`finish` says.
    :ivar counts: what became of the requests.
    """

    def __init__(self, *, max_robots: int, max_batch: int = 1, pace: Pace | None = None) -> None:
        self._max_robots = checks.whole("link.max_robots", max_robots, low=1, high=100_000)
        self._max_batch = checks.whole("max_batch", max_batch, low=1, high=100_000)
        self.pace = pace or Pace()
        self.counts = Counts()
        self._robots: Robots[A] = Robots(max_robots)
        self._places: dict[str, Place[T]] = {}
        self._batch: tuple[Request[T], ...] = ()
        self._begun_s = 0.0
        self._round = self._newcomers = 0

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._places)

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return len(self._batch)

    def offer(self, request: Request[T]) -> Admission[T, A]:
        """Take a request that has just arrived, or say why not."""
        self.counts.arrived += 1
        again = self._again(request)
        if again is not None:
            self.counts.duplicates += 1
            return again
        reason = self._full(request.robot_id)
        if not reason:
            place = self._place(request)
            reason = self._too_busy(place)
        if reason:
            self.counts.refused += 1
            return Admission(Verdict.REFUSED, reason=reason)
        replaced = self._places.get(request.robot_id)
        self._places[request.robot_id] = place
        self.counts.replaced += replaced is not None
        return Admission(Verdict.QUEUED, replaced=replaced.request if replaced else None)

    def take(self, now_s: float) -> Turn[T]:
        """Begin to answer: return the next batch, and what was dropped.

        :raises InvalidInput: when a batch is being answered.
        """
        if self._batch:
            raise InvalidInput("a batch must be finished before the next is taken, got one running")
        expired = self._drop_late(now_s)
        if self._places:
            todo = plan(
                self._places.values(), free_s=now_s, pace=self.pace, max_batch=self._max_batch
            )
            batch = fill(todo, now_s=now_s, pace=self.pace, max_batch=self._max_batch)
            self._begin_round(batch[0].round)
            self._batch, self._begun_s = tuple(place.request for place in batch), now_s
            for place in batch:
                self._had_turn(place)
        return Turn(self._batch, expired)

    def finish(self, answers: Sequence[A], *, now_s: float, ran: int | None = None) -> None:
        """End the batch.

        :param answers: what each of its requests was answered, in its order; kept to be sent again.
        :param now_s: when it was ready, s.
        :param ran: how many of them the model ran for; 0: the time says nothing of its pace.
        :raises InvalidInput: when there is another number of answers.
        """
        if len(answers) != len(self._batch):
            raise InvalidInput(f"answers must be {len(self._batch)}, got {len(answers)}")
        size = len(answers) if ran is None else ran
        if size:
            self.pace.learn(size, now_s - self._begun_s)
        for request, answer in zip(self._batch, answers, strict=True):
            self._robots.answered(
                request.robot_id, request.request_id, answer, next_round=self._round + 1
            )
        self.counts.answered += len(answers)
        self._batch = ()

    def _again(self, request: Request[T]) -> Admission[T, A] | None:
        """Return what to do with a request that is here already or was answered."""
        place = self._places.get(request.robot_id)
        here = (*self._batch, *([place.request] if place else []))
        if any(request.key == other.key for other in here):
            return Admission(Verdict.DUPLICATE)
        robot = self._robots.get(request.robot_id)
        if robot is not None and robot.answered == request.request_id:
            return Admission(Verdict.ANSWERED, answer=robot.answer)
        return None

    def _full(self, robot_id: str) -> str:
        if robot_id in self._places or len(self._places) < self._max_robots:
            return ""
        return (
            f"robot_id must be one of at most link.max_robots = {self._max_robots} waiting, "
            f"got {robot_id!r} beside them"
        )

    def _place(self, request: Request[T]) -> Place[T]:
        """Return the place that a robot has, or would have, for this request."""
        if not self._batch and not self._places:
            self._begin_round(self._round + 1)
        if self._robots.get(request.robot_id) is None:
            self._newcomers += 1
        late = self._newcomers > self._max_robots
        robot = self._robots.heard(request.robot_id, next_round=self._round + late)
        held = self._places.get(request.robot_id)
        return Place(request, held.round if held else max(self._round, robot.next_round))

    def _begin_round(self, number: int) -> None:
        if number > self._round:
            self._round, self._newcomers = number, 0

    def _had_turn(self, place: Place[T]) -> None:
        del self._places[place.request.robot_id]
        after = place.round + 1
        self._robots.heard(place.request.robot_id, next_round=after).next_round = after

    def _too_busy(self, place: Place[T]) -> str:
        """Return why this request cannot be answered in time, empty when it can."""
        request = place.request
        others = {**self._places, request.robot_id: place}
        if not self._batch and len(others) == 1:
            return ""
        todo = plan(
            others.values(),
            free_s=self._free_s(request.arrived_s),
            pace=self.pace,
            max_batch=self._max_batch,
        )
        for other, ready_s in todo.late:
            if other is place:
                return (
                    f"the edge is busy: the answer could be ready in "
                    f"{ready_s - request.arrived_s:.3g} s at the earliest, "
                    f"{request.deadline_s - request.arrived_s:.3g} s are left"
                )
        return ""

    def _free_s(self, now_s: float) -> float:
        """Return when the model is free, s."""
        if not self._batch:
            return now_s
        return max(now_s, self._begun_s + self.pace.seconds(len(self._batch)))

    def _drop_late(self, now_s: float) -> tuple[Request[T], ...]:
        """Drop what cannot be in time any more; keep what never could, to be tried when idle."""
        one_s = self.pace.seconds(1)
        waiting = [place.request for place in self._places.values()]
        late = [request for request in waiting if request.deadline_s < now_s + one_s]
        dropped = tuple(
            request
            for request in late
            if len(late) < len(waiting)
            or not now_s < request.deadline_s < request.arrived_s + one_s
        )
        for request in dropped:
            del self._places[request.robot_id]
        self.counts.expired += len(dropped)
        return dropped
