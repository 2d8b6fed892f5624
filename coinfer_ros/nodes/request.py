# SPDX-License-Identifier: Apache-2.0
"""One request on the robot, from an image to a complete answer, whatever happens on the way."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coinfer_ros.adapters.local_answer import LocalAnswer
from coinfer_ros.adapters.stages import HeadReport, HeadStage
from coinfer_ros.backends import Machine
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.core.heartbeat import EdgeWatch
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.session import Request, Session, Step, Verdict
from coinfer_ros.core.spent import Spent
from coinfer_ros.msg import Answer, Embedding, Plan
from coinfer_ros.nodes.convert import embedding_to_message, unknown_answer
from coinfer_ros.nodes.edges import Edges
from coinfer_ros.nodes.frames import AnyImage, to_rgb

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
    :param cancelled: true once the asker has taken it back.
    """

    frames: Sequence[AnyImage]
    prompt: str
    timeout_s: float
    retries: int
    from_stream: bool = True
    at_edge: Callable[[], None] = lambda: None
    cancelled: Callable[[], bool] = lambda: False


@dataclass
class Requests:
    """Runs the requests of one robot, one after the other.

    :param edges: who may answer.
    :param stopping: true when the node is being deactivated.
    :param local: answers on the robot while no edge does; None: the last answer stands in.
    """

    machine: Machine
    session: Session
    edges: Edges
    stopping: Callable[[], bool]
    local: LocalAnswer | None = None
    _last_good: tuple[str, float] = ("", math.nan)  # text, and when its image was taken

    def run(
        self, asked: Asked, plan: Plan, stage: HeadStage, info: ModelInfo
    ) -> tuple[Answer, HeadReport | None] | None:
        """Return the answer and what was sent, None when the node is being deactivated.

        :param plan: the plan whose bit-width is in place.
        :param stage: the half at the plan's cut.
        :param info: the model there.
        """
        flight = _Flight(self, asked, plan, stage, info)
        edge = self.edges.choose(plan.edge, time.monotonic())
        trouble = edge.trouble(time.monotonic())
        if trouble:
            self.session.give_up()
            return flight.unasked(Answer.LATE if edge.matches else Answer.REFUSED, trouble)
        before = self.machine.meter.read()
        try:
            report = stage.run(to_rgb(asked.frames), plan.wire_bits)
        except Exception as error:  # whatever it is, it fails this image alone
            self.session.abandon()
            reason = (
                str(error) if isinstance(error, CoinferError) else f"the head failed: {error!r}"
            )
            return flight.unasked(Answer.FAILED, reason)
        if self.session.expire(time.monotonic()) is not None:
            reason = f"the head took longer than the {asked.timeout_s:.3g} s of the request"
            return flight.unasked(Answer.LATE, reason)
        sent, sent_s = self.machine.meter.read(), time.monotonic()
        flight.send(edge, report)
        asked.at_edge()
        answer = flight.wait(edge, report)
        waited_s, after = time.monotonic() - sent_s, self.machine.meter.read()
        if answer is None:
            return None
        flight.fill(answer, report, edge, waited_s)
        _fill_energy(
            answer,
            head=self.machine.meter.spent(*report.window),
            waited=self.machine.meter.spent(sent, after),
            whole=self.machine.meter.spent(before, after),
        )
        return flight.timed(answer), report

    def stopped(
        self, asked: Asked, plan: Plan, stage: HeadStage, info: ModelInfo
    ) -> tuple[Answer, None]:
        """Return the answer to an image while nothing may run."""
        flight = _Flight(self, asked, plan, stage, info)
        self.session.abandon()
        return flight.unasked(Answer.STOPPED, f"stopped: {plan.message}", local=False)

    def age_s(self, answer: Answer, now_s: float) -> float:
        """Return the age of the image behind an answer's text at ROS time ``now_s``, s."""
        if answer.source == Answer.SOURCE_STALE:
            return now_s - self._last_good[1]
        return now_s - _seconds(answer) if answer.text else math.nan

    def remember(self, answer: Answer) -> None:
        """Keep a good text for images that get none."""
        self._last_good = (answer.text, _seconds(answer))

    @property
    def last_text(self) -> str:
        """The last good text, empty: there was none."""
        return self._last_good[0]


class _Flight:
    """One request of ``Requests``."""

    def __init__(
        self, of: Requests, asked: Asked, plan: Plan, stage: HeadStage, info: ModelInfo
    ) -> None:
        self._of, self._asked, self._stage, self._info = of, asked, stage, info
        self._image = asked.frames[-1]
        self._request: Request = of.session.begin(
            now_s=time.monotonic(), timeout_s=asked.timeout_s, plan_id=plan.plan_id
        )

    def send(self, edge: EdgeWatch, report: HeadReport) -> None:
        """Send the embedding, with the time that is left."""
        now_s = time.monotonic()
        message: Embedding = embedding_to_message(
            report,
            self._request,
            robot_id=self._of.session.robot_id,
            stamp=self._image.header.stamp,
            info=self._info,
            prompt=self._asked.prompt,
            now_s=now_s,
        )
        self._of.session.sent(now_s=now_s, life=edge.life)
        self._of.edges.send(edge.name, message)

    def wait(self, edge: EdgeWatch, report: HeadReport) -> Answer | None:
        """Return the complete text of the answer, None when the node is being deactivated."""
        session = self._of.session
        while not self._of.stopping():
            if self._asked.cancelled():
                session.cancel()
                return self._blank(Answer.CANCELLED, "cancelled", local=False)
            now_s = time.monotonic()
            step = session.step(edge, now_s=now_s, retries=self._asked.retries)
            if step is Step.GIVE_UP:
                session.give_up()
                trouble = edge.trouble(now_s)  # for one that is just late a local model is too late
                return self._blank(
                    Answer.LATE, trouble or self._no_result(edge), local=bool(trouble)
                )
            if step is Step.SEND_AGAIN:
                self.send(edge, report)
            result = self._next_result(now_s)
            if result is not None:
                if result.status != Answer.OK:
                    self._fall_back(result)
                elif self._asked.from_stream:
                    self._of.remember(result)
                return result
        session.abandon()
        return None

    def unasked(self, status: int, reason: str, *, local: bool = True) -> tuple[Answer, None]:
        """Return the answer to a request whose embedding was never sent."""
        return self.timed(self._blank(status, reason, local=local)), None

    def fill(self, answer: Answer, report: HeadReport, edge: EdgeWatch, waited_s: float) -> None:
        """Put the robot's figures beside the edge's."""
        machine = self._of.machine
        answer.cut = self._info.cut
        at_edge = answer.backend or "unknown"
        if answer.source != Answer.SOURCE_LOCAL:
            answer.backend = f"robot {report.backend}, edge {at_edge}"
        answer.simulated = machine.simulated or answer.simulated
        answer.weight_bits, answer.wire_bits = report.bits, report.payload.wire_bits
        answer.robot_clock_hz = report.clock_hz
        answer.head_s, answer.encode_s = report.head_s, report.encode_s
        answer.edge, answer.sendings = edge.name, self._of.session.sendings
        # Of a result that never came, the edge's share is unknown and so is the link's.
        answer.transmit_s = waited_s - (answer.decode_s + answer.queue_s + answer.tail_s)
        if answer.status == Answer.OK:
            self._of.session.took(answer.transmit_s)

    def timed(self, answer: Answer) -> Answer:
        """Return the answer with the time that it took in all."""
        answer.total_s = time.monotonic() - self._request.begun_s
        return answer

    def _next_result(self, now_s: float) -> Answer | None:
        left_s = self._request.deadline_s - now_s
        try:
            # A little past the deadline, so that the next look finds it expired.
            _, result = self._of.edges.inbox.get(timeout=min(left_s + 0.001, LOOK_S))
        except queue.Empty:
            return None
        verdict = self._of.session.result(
            robot_id=result.robot_id,
            request_id=result.request_id,
            fingerprint=result.model_fingerprint,
            refused=result.status != Answer.OK,
            now_s=time.monotonic(),
        )
        return result if verdict is Verdict.ACCEPT else None

    def _no_result(self, edge: EdgeWatch) -> str:
        return f"no result from edge {edge.name!r} within {self._asked.timeout_s:.3g} s"

    def _blank(self, status: int, reason: str, *, local: bool = True) -> Answer:
        answer = unknown_answer(
            stamp=self._image.header.stamp,
            robot_id=self._of.session.robot_id,
            request_id=self._request.request_id,
            plan_id=self._request.plan_id,
            model_fingerprint=self._info.fingerprint,
            status=status,
            reason=reason,
            weight_bits=self._stage.bits,
        )
        self._fall_back(answer, local=local and status in (Answer.LATE, Answer.REFUSED))
        return answer

    def _fall_back(self, answer: Answer, *, local: bool = False) -> None:
        """Put the declared stand-in in the place of a text that did not come."""
        if local and self._of.local is not None:
            try:
                newest = self._asked.frames[-self._of.local.frames :]
                found = self._of.local.answer(
                    to_rgb(newest), self._asked.prompt, self._of.machine.accelerator
                )
            except CoinferError as error:
                answer.reason = f"{answer.reason}; the fallback failed: {error}"
            else:
                answer.text, answer.tokens = found.text, found.tokens
                answer.source = Answer.SOURCE_LOCAL
                answer.backend = self._of.local.backend
                return
        if self._of.last_text:
            answer.text, answer.source = self._of.last_text, Answer.SOURCE_STALE


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
