# SPDX-License-Identifier: Apache-2.0
"""Which requests an edge takes, in which order, together with which; time is an argument."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Generic, TypeVar

from coinfer_ros.core import checks
from coinfer_ros.core.admission.batches import fill
from coinfer_ros.core.admission.pace import Pace
from coinfer_ros.core.admission.plan import Place, Plan, plan
from coinfer_ros.core.admission.records import Admission, Counts, Request, Turn, Verdict
from coinfer_ros.core.admission.rounds import Rounds
from coinfer_ros.core.errors import InvalidInput

T = TypeVar("T")
A = TypeVar("A")


class Queue(Generic[T, A]):
    """The waiting requests of several robots, the newest of each, for one model.

    Robots take turns in rounds, one turn a round; in one round the earliest deadline comes first.
    Who asks again in the round of its last turn waits for the next one. A round ends when nobody of
    it waits, and an idle edge begins another: start-time fair queueing (Goyal, Vin and Cheng,
    SIGCOMM 1996) with deadlines inside a round. A later deadline is so never a reason to starve,
    and near deadlines are met as far as that does not give a robot more than its share, which
    deadlines that robots name themselves must not. What it promises, as far as runs take what
    :class:`Pace` expects:

    * Of several robots that wait without pause, none ever has two turns more than another. While a
      request waits whose robot had no turn in this round, each other robot has one turn at most,
      the one that runs as it arrives included; otherwise two. New names count as robots, but a
      round takes no more than ``max_robots`` of them.
    * What cannot be answered in time after what comes before it is refused as it arrives, or
      dropped before it costs the model's time: there are as many answers in time above the edge's
      capacity as at it. A robot keeps the turn that it missed in this way.
    * An idle edge tries all the same what it holds for impossible: that shows whether it is.

    :param max_robots: robots that may have a request waiting; twice as many are remembered.
    :param max_batch: most requests to answer together.
    :param pace: how long batches take; learns from what :meth:`finish` says.
    :ivar counts: what became of the requests.
    """

    def __init__(self, *, max_robots: int, max_batch: int = 1, pace: Pace | None = None) -> None:
        self._max_robots = checks.whole("link.max_robots", max_robots, low=1, high=100_000)
        self._max_batch = checks.whole("max_batch", max_batch, low=1, high=100_000)
        self.pace = pace or Pace()
        self.counts = Counts()
        self._rounds: Rounds[A] = Rounds(max_robots)
        self._places: dict[str, Place[T]] = {}
        self._batch: tuple[Request[T], ...] = ()
        self._begun_s = 0.0

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
        held = self._places.get(request.robot_id)
        if held is None and len(self._places) >= self._max_robots:
            return self._refused(
                f"robot_id must be one of at most link.max_robots = {self._max_robots} waiting, "
                f"got {request.robot_id!r} beside them"
            )
        if not self._batch and not self._places:
            self._rounds.begin()
        place = Place(request, self._rounds.turn(request.robot_id))
        if held is not None:  # its robot has given it up, whatever becomes of the new one
            del self._places[request.robot_id]
            self.counts.replaced += 1
        replaced = held.request if held else None
        reason = self._too_busy(place)
        if reason:
            self._rounds.missed(request.robot_id, place.round)
            return self._refused(reason, replaced)
        self._places[request.robot_id] = place
        return Admission(Verdict.QUEUED, replaced=replaced)

    def take(self, now_s: float) -> Turn[T]:
        """Begin to answer: return the next batch, and what was dropped.

        :raises InvalidInput: when a batch is being answered.
        """
        if self._batch:
            raise InvalidInput("a batch must be finished before the next is taken, got one running")
        expired = self._drop_late(now_s)
        if self._places:
            todo = self._plan(self._places.values(), now_s)
            batch = fill(todo, now_s=now_s, pace=self.pace, max_batch=self._max_batch)
            self._rounds.begin(batch[0].round)
            for place in batch:
                del self._places[place.request.robot_id]
                self._rounds.had(place.request.robot_id, place.round)
            self._batch, self._begun_s = tuple(place.request for place in batch), now_s
        return Turn(self._batch, expired)

    def finish(self, answers: Sequence[A], *, now_s: float, ran: int | None = None) -> None:
        """End the batch.

        :param answers: what each of its requests was answered, in its order; kept to be sent again.
        :param now_s: when it was ready, s.
        :param ran: how many of them the model ran for, all where it is None; 0: the time says
            nothing of its pace.
        :raises InvalidInput: when there is another number of answers.
        """
        if len(answers) != len(self._batch):
            raise InvalidInput(f"answers must be {len(self._batch)}, got {len(answers)}")
        size = len(answers) if ran is None else ran
        if size:
            self.pace.learn(size, now_s - self._begun_s)
        for request, answer in zip(self._batch, answers, strict=True):
            self._rounds.answered(request.robot_id, request.request_id, answer)
        self.counts.answered += len(answers)
        self._batch = ()

    def _again(self, request: Request[T]) -> Admission[T, A] | None:
        """Return what to do with a request that is here already or was answered."""
        held = self._places.get(request.robot_id)
        here = (*self._batch, *([held.request] if held else []))
        if any(request.key == other.key for other in here):
            return Admission(Verdict.DUPLICATE)
        robot = self._rounds.get(request.robot_id)
        if robot is not None and robot.answered == request.request_id:
            return Admission(Verdict.ANSWERED, answer=robot.answer)
        return None

    def _refused(self, reason: str, replaced: Request[T] | None = None) -> Admission[T, A]:
        self.counts.refused += 1
        return Admission(Verdict.REFUSED, reason=reason, replaced=replaced)

    def _too_busy(self, place: Place[T]) -> str:
        """Return why a request cannot be answered in time, empty when it can."""
        now_s = place.request.arrived_s
        if not self._batch and not self._places:
            return ""
        late = self._plan((*self._places.values(), place), now_s).late
        ready_s = next((ready_s for other, ready_s in late if other is place), None)
        if ready_s is None:
            return ""
        return (
            f"the edge is busy: the answer could be ready in {ready_s - now_s:.3g} s at the "
            f"earliest, {place.request.deadline_s - now_s:.3g} s are left"
        )

    def _plan(self, places: Collection[Place[T]], now_s: float) -> Plan[T]:
        free_s = now_s
        if self._batch:
            free_s = max(now_s, self._begun_s + self.pace.seconds(len(self._batch)))
        return plan(places, free_s=free_s, pace=self.pace, max_batch=self._max_batch)

    def _drop_late(self, now_s: float) -> tuple[Request[T], ...]:
        """Drop what cannot be in time any more; what never could stays while there is only that."""
        one_s = self.pace.seconds(1)
        places = tuple(self._places.values())
        late = [place for place in places if place.request.deadline_s < now_s + one_s]
        if len(late) == len(places):
            late = [place for place in late if not _may_be_tried(place.request, now_s, one_s)]
        for place in late:
            del self._places[place.request.robot_id]
            self._rounds.missed(place.request.robot_id, place.round)
        self.counts.expired += len(late)
        return tuple(place.request for place in late)


def _may_be_tried(request: Request[T], now_s: float, one_s: float) -> bool:
    return now_s < request.deadline_s < request.arrived_s + one_s
