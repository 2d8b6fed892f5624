# SPDX-License-Identifier: Apache-2.0
"""Node ``edge``: answers embeddings of several robots with the tail of the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial

from coinfer_ros.adapters.memory import resident
from coinfer_ros.adapters.stages import TailReport, TailStage
from coinfer_ros.core import wire
from coinfer_ros.core.admission import Queue, Request, Verdict
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import Tail
from coinfer_ros.msg import Answer, Embedding
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import LONGEST_REASON, Asked, message_to_asked, unknown_answer
from coinfer_ros.nodes.edge_beats import EdgeBeats
from coinfer_ros.nodes.halves import open_tails
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import EdgeSettings

REFUSALS_LOGGED_EVERY_S = 5.0
TOO_BUSY = "the edge is busy: the answer cannot be ready in time any more"


class EdgeNode(CoinferNode[EdgeSettings]):
    """Checks what comes, admits what can be in time, answers robots in turn and together."""

    kind = EdgeSettings

    def configure(self) -> None:
        """Read the board file and the tail: a broken model is refused here."""
        settings = self.settings
        topics.of_edge(settings.edge_id, "embedding")
        self._board = read_board(settings)
        self._tails = open_tails(settings)
        self.configured.callback(self._close_tails)
        self._infos = {cut: tail.info for cut, tail in self._tails.items()}
        self._beats = EdgeBeats(
            self,
            settings.edge_id,
            infos=list(self._infos.values()),
            most_robots=settings.max_robots,
            held=self.configured,
        )

    def activate(self) -> None:
        """Warm the tail up and begin to answer."""
        machine = open_machine(self.settings, self._board, role="edge", held=self.active)
        self._note = machine.note
        if self._note:
            self.get_logger().warning(self._note)
        self._machine = machine
        self._stages = {cut: self._stage(tail) for cut, tail in self._tails.items()}
        together = all(tail.batches for tail in self._tails.values())
        self._queue: Queue[Asked, Answer] = Queue(
            max_robots=self.settings.max_robots,
            max_batch=self.settings.most_together if together else 1,
        )
        self._arrived = threading.Condition()  # guards the queue, too
        self._broken = self._failures = 0
        self._refusal = ""
        edge = self.settings.edge_id
        # Two writers: a flood of refusals must not push answers out.
        self._results, self._refusals = (
            self.create_publisher(Answer, topics.of_edge(edge, "result"), qos.RESULT)
            for _ in range(2)
        )
        self.active.callback(lambda: self.destroy_publisher(self._results))
        self.active.callback(lambda: self.destroy_publisher(self._refusals))
        worker = Worker(self._turn, self._failed)
        self.active.callback(worker.close)
        self.active.callback(machine.interrupt)
        worker.start()
        embeddings = self.create_subscription(
            Embedding, topics.of_edge(edge, "embedding"), self._on_embedding, qos.TENSORS
        )
        self.active.callback(lambda: self.destroy_subscription(embeddings))
        self._beats.reason = ""
        self.active.callback(self._not_ready)

    def _close_tails(self) -> None:
        """Give their memory back, or an engine's connection."""
        for tail in self._tails.values():
            tail.close()
        self._tails.clear()

    def _stage(self, tail: Tail) -> TailStage:
        tail.warm_up()
        machine = self._machine
        return TailStage(
            tail,
            accelerator=machine.accelerator,
            meter=machine.meter,
            clock=machine.clock,
            flop=self.settings.tail_flop or tail.info.tail_flop,
        )

    def _not_ready(self) -> None:
        self._beats.reason = "not active"

    def diagnose(self) -> dict[str, object]:
        """Say what became of the requests."""
        counts = self._queue.counts
        return {
            **vars(counts),
            "arrived": counts.arrived + self._broken,
            "answered": counts.answered - self._failures,
            "refused": counts.refused + self._broken,
            "failed": self._failures,
            "waiting": self._queue.waiting,
            "beats_refused": self._beats.refused,
            "answer_s": self._queue.pace.seconds(1),
            "last_refusal": self._refusal,
            "backend": next(iter(self._tails.values())).backend,
            "resident": resident(),
            "warning": self._note,
        }

    def _on_embedding(self, message: Embedding) -> None:
        try:
            asked = message_to_asked(message, self._infos)
        except InvalidInput as error:
            self._broken += 1
            self._refuse(message, str(error))
            return
        now_s = time.monotonic()
        self._beats.roll.request(asked.robot_id, asked.request_id, now_s)
        request = Request(
            asked.robot_id,
            asked.request_id,
            arrived_s=now_s,
            deadline_s=now_s + asked.deadline_s,
            group=(asked.cut, asked.prompt),
            item=asked,
        )
        with self._arrived:
            admission = self._queue.offer(request)
            self._beats.waiting = self._queue.waiting
            self._arrived.notify()
        if admission.verdict is Verdict.REFUSED:
            self._refuse(message, admission.reason)
        elif admission.answer is not None:
            self._results.publish(admission.answer)

    def _refuse(self, message: Embedding, reason: str) -> None:
        self._refusal = reason
        self.get_logger().warning(
            f"refused: {reason}", throttle_duration_sec=REFUSALS_LOGGED_EVERY_S
        )
        self._refusals.publish(
            unknown_answer(
                robot_id=message.robot_id[:64],
                request_id=message.request_id,
                plan_id=message.plan_id,
                status=Answer.REFUSED,
                reason=reason,
                # Echoed, so that the robot knows the refusal for its own.
                model_fingerprint=message.model_fingerprint[:64],
            )
        )

    def _turn(self) -> None:
        """Answer the next batch."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._queue.waiting > 0, timeout=0.1):
                return
            begun_s = time.monotonic()
            turn = self._queue.take(begun_s)
        for dropped in turn.expired:
            self._refusals.publish(_failure(dropped.item, TOO_BUSY, Answer.REFUSED))
        batch = turn.batch
        if not batch:
            return
        answers, ran = self._answer([request.item for request in batch])
        done_s = time.monotonic()
        for request, answer in zip(batch, answers, strict=True):
            answer.queue_s = begun_s - request.arrived_s
        with self._arrived:  # before anything that may fail: a batch that never ends blocks all
            self._queue.finish(answers, now_s=done_s, ran=ran)
            self._beats.waiting = self._queue.waiting
        for answer in answers:
            self._results.publish(answer)
        self._beats.worked(done_s - begun_s)

    def _answer(self, batch: Sequence[Asked]) -> tuple[list[Answer], int]:
        """Return the answers to requests of one cut and prompt, and how many the model ran for."""
        stage, prompt = self._stages[batch[0].cut], batch[0].prompt
        unpacks = [partial(wire.decode, asked.payload) for asked in batch]
        try:
            reports = stage.run_many(unpacks, prompt)
        except Exception as error:  # whatever it is, it fails these requests alone
            self._failures += len(batch)
            if not isinstance(error, CoinferError):
                self._failed(error)
            reason = str(error) if isinstance(error, CoinferError) else f"the tail failed: {error}"
            return [_failure(asked, reason) for asked in batch], 0
        answers = [
            _failure(asked, str(report))
            if isinstance(report, CoinferError)
            else self._success(asked, report)
            for asked, report in zip(batch, reports, strict=True)
        ]
        ran = sum(answer.status == Answer.OK for answer in answers)
        self._failures += len(batch) - ran
        return answers, ran

    def _success(self, asked: Asked, report: TailReport) -> Answer:
        return unknown_answer(
            **_echo(asked),
            status=Answer.OK,
            text=report.generated.text,
            tokens=report.generated.tokens,
            source=Answer.SOURCE_EDGE,
            cut=asked.cut,
            backend=report.backend,
            simulated=self._machine.simulated,
            weight_bits=asked.weight_bits,
            wire_bits=asked.payload.wire_bits,
            edge_clock_hz=report.clock_hz,
            decode_s=report.decode_s,
            tail_s=report.tail_s,
            tail_j=report.spent.above_idle_j,
            tail_gross_j=report.spent.gross_j,
            tail_error_j=report.spent.error_j,
        )

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"the worker goes on after: {error!r}")


def _failure(asked: Asked, reason: str, status: int = Answer.FAILED) -> Answer:
    return unknown_answer(
        **_echo(asked), status=status, reason=reason.splitlines()[0][:LONGEST_REASON]
    )


def _echo(asked: Asked) -> dict[str, object]:
    return {
        "stamp": asked.stamp,
        "robot_id": asked.robot_id,
        "request_id": asked.request_id,
        "plan_id": asked.plan_id,
        "model_fingerprint": asked.model_fingerprint,
    }


def main() -> None:
    """Run the node."""
    run(EdgeNode, "edge")
