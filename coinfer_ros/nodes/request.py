# SPDX-License-Identifier: Apache-2.0
"""One request on the robot, from an image to a complete answer, whatever happens on the way."""

from __future__ import annotations

import contextlib
import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coinfer_ros.adapters.stages import HeadReport, HeadStage
from coinfer_ros.backends import Machine
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.session import Request, Session, Verdict
from coinfer_ros.core.spent import Spent
from coinfer_ros.msg import Answer, Embedding, Plan
from coinfer_ros.nodes.convert import embedding_to_message, unknown_answer
from coinfer_ros.nodes.frames import AnyImage, to_rgb

# How often a wait looks whether the node is being deactivated, s.
LOOK_S = 0.1

# More results than this for one robot at once are a flood, not answers.
INBOX_LENGTH = 16


@dataclass
class Requests:
    """Runs the requests of one robot, one after the other.

    :param send: publishes an embedding.
    :param edge_listens: true when somebody has subscribed to the embeddings.
    :param stopping: true when the node is being deactivated.
    :param inbox: results of the edge for this robot, put by the executor's thread.
    """

    info: ModelInfo
    stage: HeadStage
    machine: Machine
    session: Session
    send: Callable[[Embedding], None]
    edge_listens: Callable[[], bool]
    stopping: Callable[[], bool]
    inbox: queue.Queue[Answer] = field(default_factory=lambda: queue.Queue(INBOX_LENGTH))
    _last_good: tuple[str, float] = ("", math.nan)  # text, and when its image was taken

    def receive(self, result: Answer) -> None:
        """Take a result that came from the edge; another robot's and a flood's are left out."""
        if result.robot_id == self.session.robot_id:
            with contextlib.suppress(queue.Full):
                self.inbox.put_nowait(result)

    def run(
        self,
        frames: Sequence[AnyImage],
        *,
        plan: Plan,
        prompt: str,
        timeout_s: float,
        from_stream: bool,
        at_edge: Callable[[], None] = lambda: None,
    ) -> tuple[Answer, HeadReport | None] | None:
        """Return the answer and what was sent, None when the node is being deactivated.

        :param frames: the image, or a clip of which the newest comes last.
        :param plan: the plan whose bit-width is in place.
        :param from_stream: a camera's image, whose text later ones may fall back to.
        :param at_edge: called once the embedding has been sent.
        """
        image = frames[-1]
        request = self.session.begin(
            now_s=time.monotonic(), timeout_s=timeout_s, plan_id=plan.plan_id
        )
        if not self.edge_listens():
            self.session.give_up()
            return self._unasked(image, request, Answer.LATE, "no edge listens to this robot")
        before = self.machine.meter.read()
        try:
            report = self.stage.run(to_rgb(frames), plan.wire_bits)
        except Exception as error:  # whatever it is, it fails this image alone
            self.session.abandon()
            reason = (
                str(error) if isinstance(error, CoinferError) else f"the head failed: {error!r}"
            )
            return self._unasked(image, request, Answer.FAILED, reason)
        if self.session.expire(time.monotonic()) is not None:
            reason = f"the head took longer than the {timeout_s:.3g} s of the request"
            return self._unasked(image, request, Answer.LATE, reason)
        sent, sent_s = self.machine.meter.read(), time.monotonic()
        self.send(self._message(image, request, report, prompt))
        at_edge()
        answer = self._await(request)
        waited_s, after = time.monotonic() - sent_s, self.machine.meter.read()
        if self.stopping():
            return None
        if answer is None:
            reason = f"no result from the edge within {timeout_s:.3g} s"
            answer = self._blank(image, request, Answer.LATE, reason)
        elif answer.status != Answer.OK:
            self._fall_back(answer)
        elif from_stream:
            self._last_good = (answer.text, _seconds(image))
        self._fill(answer, report, waited_s)
        _fill_energy(
            answer,
            head=self.machine.meter.spent(*report.window),
            waited=self.machine.meter.spent(sent, after),
            whole=self.machine.meter.spent(before, after),
        )
        return self._timed(answer, request), report

    def stopped(self, frames: Sequence[AnyImage], plan: Plan) -> tuple[Answer, None]:
        """Return the answer to an image while nothing may run."""
        request = self.session.begin(now_s=time.monotonic(), timeout_s=1.0, plan_id=plan.plan_id)
        self.session.abandon()
        return self._unasked(frames[-1], request, Answer.STOPPED, f"stopped: {plan.message}")

    def age_s(self, answer: Answer, now_s: float) -> float:
        """Return the age of the image behind an answer's text at ROS time ``now_s``, s."""
        if answer.source == Answer.SOURCE_STALE:
            return now_s - self._last_good[1]
        return now_s - _seconds(answer) if answer.text else math.nan

    def _await(self, request: Request) -> Answer | None:
        """Return the request's result, None when its deadline passed or the node stops."""
        while not self.stopping():
            now_s = time.monotonic()
            if self.session.expire(now_s) is not None:
                return None
            try:
                # A little past the deadline, so that the next look finds it expired.
                result = self.inbox.get(timeout=min(request.deadline_s - now_s + 0.001, LOOK_S))
            except queue.Empty:
                continue
            verdict = self.session.result(
                robot_id=result.robot_id,
                request_id=result.request_id,
                fingerprint=result.model_fingerprint,
                refused=result.status != Answer.OK,
                now_s=time.monotonic(),
            )
            if verdict is Verdict.ACCEPT:
                return result
        self.session.abandon()
        return None

    def _message(
        self, image: AnyImage, request: Request, report: HeadReport, prompt: str
    ) -> Embedding:
        return embedding_to_message(
            report,
            request,
            robot_id=self.session.robot_id,
            stamp=image.header.stamp,
            info=self.info,
            prompt=prompt,
            now_s=time.monotonic(),
        )

    def _unasked(
        self, image: AnyImage, request: Request, status: int, reason: str
    ) -> tuple[Answer, None]:
        """Return the answer to a request whose embedding was never sent."""
        return self._timed(self._blank(image, request, status, reason), request), None

    def _blank(self, image: AnyImage, request: Request, status: int, reason: str) -> Answer:
        answer = unknown_answer(
            stamp=image.header.stamp,
            robot_id=self.session.robot_id,
            request_id=request.request_id,
            plan_id=request.plan_id,
            model_fingerprint=self.info.fingerprint,
            status=status,
            reason=reason,
            weight_bits=self.stage.bits,
        )
        self._fall_back(answer)
        return answer

    def _fall_back(self, answer: Answer) -> None:
        if self._last_good[0]:
            answer.text, answer.source = self._last_good[0], Answer.SOURCE_STALE

    def _fill(self, answer: Answer, report: HeadReport, waited_s: float) -> None:
        answer.cut = self.info.cut
        answer.backend = f"robot {report.backend}, edge {answer.backend or 'unknown'}"
        answer.simulated = self.machine.simulated or answer.simulated
        answer.weight_bits, answer.wire_bits = report.bits, report.payload.wire_bits
        answer.robot_clock_hz = report.clock_hz
        answer.head_s, answer.encode_s = report.head_s, report.encode_s
        # Of a result that never came, the edge's share is unknown and so is the link's.
        answer.transmit_s = waited_s - (answer.decode_s + answer.queue_s + answer.tail_s)

    def _timed(self, answer: Answer, request: Request) -> Answer:
        answer.total_s = time.monotonic() - request.begun_s
        return answer


def _seconds(stamped: AnyImage | Answer) -> float:
    stamp = stamped.stamp if isinstance(stamped, Answer) else stamped.header.stamp
    return float(stamp.sec + stamp.nanosec * 1e-9)


def _fill_energy(answer: Answer, *, head: Spent, waited: Spent, whole: Spent) -> None:
    """Put the phases' joules together; the edge has already filled in its own."""
    for phase, spent in (("head", head), ("transmit", waited)):
        setattr(answer, f"{phase}_j", spent.above_idle_j)
        setattr(answer, f"{phase}_gross_j", spent.gross_j)
        setattr(answer, f"{phase}_error_j", spent.error_j)
    answer.energy_j = whole.above_idle_j + answer.tail_j
    answer.gross_j = whole.gross_j + answer.tail_gross_j
    answer.energy_error_j = whole.error_j + answer.tail_error_j
