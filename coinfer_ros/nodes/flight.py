# SPDX-License-Identifier: Apache-2.0
"""One request on its way: sent, waited for, sent again, answered or not, with what it took."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coinfer_ros.adapters.stages import HeadReport, HeadStage
from coinfer_ros.core.heartbeat import EdgeWatch
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.session import Session, Step, Verdict
from coinfer_ros.msg import Answer, Plan
from coinfer_ros.nodes.convert import embedding_to_message, unknown_answer
from coinfer_ros.nodes.edges import Edges
from coinfer_ros.nodes.fallback import Fallback
from coinfer_ros.nodes.frames import AnyImage

# How often a wait looks whether the edge is gone, the asker has left or the node is to end, s.
LOOK_S = 0.05


@dataclass(frozen=True)
class Asked:
    """What is asked of one request.

    :param frames: the image, or a clip of which the newest comes last.
    :param prompt: text that the answer continues.
    :param timeout_s: time until it is given up, s.
    :param retries: how often its embedding may be sent again.
    :param from_stream: a camera's image, whose text later ones may fall back to.
    :param at_edge: called once the embedding has been sent.
    :param cancelled: why it is to be given up, once it is; empty until then.
    """

    frames: Sequence[AnyImage]
    prompt: str
    timeout_s: float
    retries: int
    from_stream: bool = True
    at_edge: Callable[[], None] = lambda: None
    cancelled: Callable[[], str] = lambda: ""


@dataclass(frozen=True)
class Under:
    """What a request is made under.

    :param plan: the plan whose cut and width are in place.
    :param stage: the robot's half there.
    :param info: the model there.
    """

    plan: Plan
    stage: HeadStage
    info: ModelInfo


class Flight:
    """One request from its beginning; exactly one of its answers is given out.

    :param session: the robot's, in which it begins.
    """

    def __init__(
        self, session: Session, edges: Edges, fallback: Fallback, asked: Asked, under: Under
    ) -> None:
        self._session, self._edges, self._fallback = session, edges, fallback
        self._asked, self._under = asked, under
        self._image = asked.frames[-1]
        self._request = session.begin(
            now_s=time.monotonic(), timeout_s=asked.timeout_s, plan_id=under.plan.plan_id
        )

    def send(self, edge: EdgeWatch, report: HeadReport) -> None:
        """Send the embedding, with the time that is left."""
        now_s = time.monotonic()
        message = embedding_to_message(
            report,
            self._request,
            robot_id=self._session.robot_id,
            stamp=self._image.header.stamp,
            info=self._under.info,
            prompt=self._asked.prompt,
            now_s=now_s,
        )
        self._session.sent(now_s=now_s, life=edge.life)
        self._edges.send(edge.name, message)

    def wait(
        self, edge: EdgeWatch, report: HeadReport, stopping: Callable[[], bool]
    ) -> Answer | None:
        """Return what came of it, None when the node is being deactivated."""
        while not stopping():
            reason = self._asked.cancelled()
            if reason:
                self._session.cancel()
                return self._blank(Answer.CANCELLED, reason)
            now_s = time.monotonic()
            step = self._session.step(edge, now_s=now_s, retries=self._asked.retries)
            if step is Step.GIVE_UP:
                return self._given_up(edge, edge.trouble(now_s))
            if step is Step.SEND_AGAIN:
                self.send(edge, report)
            result = self._next_result(now_s)
            if result is not None:
                return result
        self._session.abandon()
        return None

    def unanswered(self, status: int, reason: str, *, here: bool = False) -> Answer:
        """Return the answer to a request without a result.

        :param here: a small model on the robot may answer, if there is one.
        """
        answer = self._blank(status, reason)
        if here:
            self._fallback.answer_here(answer, self._asked.frames, self._asked.prompt)
        return answer

    def fill(self, answer: Answer, report: HeadReport, edge: EdgeWatch, waited_s: float) -> None:
        """Put the robot's figures beside the edge's."""
        answer.cut = self._under.info.cut
        if answer.source != Answer.SOURCE_LOCAL:
            answer.backend = f"robot {report.backend}, edge {answer.backend or 'unknown'}"
        answer.weight_bits, answer.wire_bits = report.bits, report.payload.wire_bits
        answer.robot_clock_hz = report.clock_hz
        answer.head_s, answer.encode_s = report.head_s, report.encode_s
        answer.edge, answer.sendings = edge.name, self._session.sendings
        # Of a result that never came, the edge's share is unknown and so is the link's.
        answer.transmit_s = waited_s - (answer.decode_s + answer.queue_s + answer.tail_s)
        if answer.status == Answer.OK:
            self._session.took(answer.transmit_s)

    def timed(self, answer: Answer) -> Answer:
        """Return the answer with the time that it took in all, or that of a request given up."""
        reason = self._asked.cancelled()
        if reason and answer.status != Answer.CANCELLED:
            answer = self._blank(Answer.CANCELLED, reason)
        answer.total_s = time.monotonic() - self._request.begun_s
        return answer

    def _given_up(self, edge: EdgeWatch, trouble: str) -> Answer:
        self._session.give_up()
        if trouble:
            return self.unanswered(Answer.LATE, trouble, here=True)
        # For one that is just late a small model would be later still.
        within = f"{self._asked.timeout_s:.3g} s"
        return self._blank(Answer.LATE, f"no result from edge {edge.name!r} within {within}")

    def _next_result(self, now_s: float) -> Answer | None:
        """Return this request's result when it comes before the next look, else None."""
        left_s = self._request.deadline_s - now_s
        try:
            # A little past the deadline, so that the next look finds it expired.
            result = self._edges.inbox.get(timeout=min(left_s + 0.001, LOOK_S))
        except queue.Empty:
            return None
        verdict = self._session.result(
            robot_id=result.robot_id,
            request_id=result.request_id,
            fingerprint=result.model_fingerprint,
            refused=result.status != Answer.OK,
            now_s=time.monotonic(),
        )
        if verdict is not Verdict.ACCEPT:
            return None
        if result.status != Answer.OK:
            self._fallback.stand_in(result)
        elif self._asked.from_stream:
            self._fallback.remember(result)
        return result

    def _blank(self, status: int, reason: str) -> Answer:
        answer = unknown_answer(
            stamp=self._image.header.stamp,
            robot_id=self._session.robot_id,
            request_id=self._request.request_id,
            plan_id=self._request.plan_id,
            model_fingerprint=self._under.info.fingerprint,
            status=status,
            reason=reason,
            weight_bits=self._under.stage.bits,
        )
        if status != Answer.CANCELLED:
            self._fallback.stand_in(answer)
        return answer
