# SPDX-License-Identifier: Apache-2.0
"""Node ``robot``: runs the head of the model on images and publishes the edge's answers."""

from __future__ import annotations

import math
import queue
import random
import time
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from coinfer_ros import locate
from coinfer_ros.adapters import git
from coinfer_ros.adapters.stages import HeadReport, HeadStage
from coinfer_ros.core.energy import Spent, spent
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.core.session import Request, Session, Verdict
from coinfer_ros.core.wire import WIRE_BITS
from coinfer_ros.msg import Answer, Embedding, Plan, Trace
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import (
    answer_to_trace,
    embedding_to_message,
    image_to_rgb,
    unknown_answer,
)
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.worker import Newest, Worker
from coinfer_ros.parameters import RobotSettings

FULL_BITS = 16
DEFAULT_WIRE_BITS = 16


class RobotNode(CoinferNode[RobotSettings]):
    """One image at a time: head, wire, edge, answer; the newest image waits, older ones drop."""

    kind = RobotSettings

    def configure(self) -> None:
        """Look at the model folder and the board file; load nothing."""
        settings = self.settings
        if not 0 < len(settings.robot_id.encode()) <= 64:
            raise InvalidInput(f"robot.id must be 1 to 64 bytes, got {settings.robot_id!r}")
        self._model = locate.model(settings.model_path)
        self._info = git.describe(self._model)
        self._board = read_board(settings)

    def activate(self) -> None:
        """Load the head at its bit-width, warm it up and begin."""
        self._machine = open_machine(self.settings, self._board, role="robot", held=self.active)
        self._head = git.GitHead.load(self._model)
        self._head.use(self._head.prepare(self.settings.weight_bits))
        self._head.embed(np.zeros((64, 64, 3), np.uint8))
        self._stage = HeadStage(
            self._head,
            accelerator=self._machine.accelerator,
            meter=self._machine.meter,
            clock=self._machine.clock,
            flop=self.settings.head_flop or self._info.head_flop,
            full_bits=FULL_BITS,
        )
        self.active.callback(self._stage.close)
        self._session = Session(
            self.settings.robot_id, self._info.fingerprint, last_id=random.getrandbits(48)
        )
        self._plan, self._plan_in_place = Plan(), Plan(wire_bits=DEFAULT_WIRE_BITS)
        self._images: Newest[Image | CompressedImage] = Newest()
        self._inbox: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._good = ("", math.nan)  # last good text, and when its image was taken
        self._open_topics()
        self._worker = Worker(self._turn, self._failed)
        self.active.callback(self._worker.close)

    def diagnose(self) -> dict[str, object]:
        """Say what became of images and requests."""
        return {
            "frames": self._images.arrived,
            "frames_dropped": self._images.replaced,
            **vars(self._session.counters),
            "weight_bits": self._stage.bits,
            "plan_id": self._plan_in_place.plan_id,
            "warning": "" if self._plan.plan_id else "no plan yet",
        }

    def _open_topics(self) -> None:
        compressed = self.settings.compressed
        self._embeddings = self.create_publisher(Embedding, "embedding", qos.TENSOR)
        self._answers = self.create_publisher(Answer, "answer", qos.ANSWER)
        self._traces = self.create_publisher(Trace, "trace", qos.TRACE)
        for publisher in (self._embeddings, self._answers, self._traces):
            self.active.callback(lambda p=publisher: self.destroy_publisher(p))
        for kind, topic, callback, profile in (
            (Plan, "plan", self._on_plan, qos.PLAN),
            (Answer, "result", self._inbox.put, qos.ANSWER),
            (
                CompressedImage if compressed else Image,
                "image/compressed" if compressed else "image",
                self._images.put,
                qos.SENSOR,
            ),
        ):
            subscription = self.create_subscription(kind, topic, callback, profile)
            self.active.callback(lambda s=subscription: self.destroy_subscription(s))

    def _on_plan(self, plan: Plan) -> None:
        if plan.weight_bits not in WEIGHT_BITS or plan.wire_bits not in WIRE_BITS:
            self.get_logger().error(
                f"plan {plan.plan_id} must have weight_bits in {WEIGHT_BITS} and wire_bits in "
                f"{WIRE_BITS}, got {plan.weight_bits} and {plan.wire_bits}"
            )
            return
        self._stage.want(plan.weight_bits)
        self._plan = plan

    def _turn(self) -> None:
        message = self._images.take(timeout_s=0.1)
        if message is None:
            return
        self._stage.switch()
        if self._plan.weight_bits == self._stage.bits:
            self._plan_in_place = self._plan
        plan, begun_s = self._plan_in_place, time.monotonic()
        request = self._session.begin(
            now_s=begun_s, timeout_s=self.settings.timeout_s, plan_id=plan.plan_id
        )
        before = self._machine.meter.read()
        try:
            report = self._stage.run(image_to_rgb(message), plan.wire_bits)
        except CoinferError as error:
            self._session.abandon()
            self._publish(self._blank(message, request, Answer.FAILED, str(error)), request)
            return
        sent = embedding_to_message(
            report,
            request,
            robot_id=self.settings.robot_id,
            stamp=message.header.stamp,
            info=self._info,
            prompt=self.settings.prompt,
            now_s=time.monotonic(),
        )
        sent_at = self._machine.meter.read()
        self._embeddings.publish(sent)
        result = self._await_result(request)
        if self._worker.stopping:
            return
        after = self._machine.meter.read()
        answer = self._compose(message, request, report, result)
        answer.transmit_s -= answer.decode_s + answer.queue_s + answer.tail_s
        waited = spent(self._machine.meter, sent_at, after)
        _fill_energy(answer, report.spent, waited, spent(self._machine.meter, before, after))
        self._publish(answer, request, payload_bytes=report.payload.size_bytes)

    def _await_result(self, request: Request) -> tuple[Answer | None, float]:
        """Return the accepted result, None when the deadline passed, and the seconds waited."""
        begun_s = time.monotonic()
        while not self._worker.stopping:
            now_s = time.monotonic()
            if self._session.expire(now_s) is not None:
                return None, now_s - begun_s
            try:
                result = self._inbox.get(timeout=min(request.deadline_s - now_s, 0.1) + 0.001)
            except queue.Empty:
                continue
            now_s = time.monotonic()
            verdict = self._session.result(
                robot_id=result.robot_id,
                request_id=result.request_id,
                fingerprint=result.model_fingerprint,
                refused=result.status != Answer.OK,
                now_s=now_s,
            )
            if verdict is Verdict.ACCEPT:
                return result, now_s - begun_s
        self._session.abandon()
        return None, math.nan

    def _compose(
        self,
        message: Image | CompressedImage,
        request: Request,
        report: HeadReport,
        result: tuple[Answer | None, float],
    ) -> Answer:
        answer, waited_s = result
        if answer is None:
            answer = self._blank(
                message,
                request,
                Answer.LATE,
                f"no result within link.timeout_s = {self.settings.timeout_s} s",
            )
        elif answer.status == Answer.OK:
            self._good = (answer.text, _seconds(message))
        else:
            self._fall_back(answer)
        answer.cut, answer.backend = self._info.cut, self._machine.source
        answer.simulated = self._machine.simulated or answer.simulated
        answer.weight_bits, answer.wire_bits = report.bits, report.payload.wire_bits
        answer.robot_clock_hz = report.clock_hz
        answer.head_s, answer.encode_s, answer.transmit_s = (
            report.head_s,
            report.encode_s,
            waited_s,
        )
        return answer

    def _blank(
        self, message: Image | CompressedImage, request: Request, status: int, reason: str
    ) -> Answer:
        answer = unknown_answer(
            stamp=message.header.stamp,
            robot_id=self.settings.robot_id,
            request_id=request.request_id,
            plan_id=request.plan_id,
            model_fingerprint=self._info.fingerprint,
            status=status,
            reason=reason,
            weight_bits=self._stage.bits,
        )
        self._fall_back(answer)
        return answer

    def _fall_back(self, answer: Answer) -> None:
        if self._good[0]:
            answer.text, answer.source = self._good[0], Answer.SOURCE_STALE

    def _publish(self, answer: Answer, request: Request, *, payload_bytes: int = 0) -> None:
        answer.total_s = time.monotonic() - request.begun_s
        now_s = self.get_clock().now().nanoseconds * 1e-9
        answer.age_s = now_s - self._good[1] if answer.text else math.nan
        self._answers.publish(answer)
        counters: dict[str, Any] = vars(self._session.counters)
        self._traces.publish(
            answer_to_trace(
                answer,
                weight_rate=self._head.weight_rate,
                embedding_bytes=payload_bytes,
                frames=self._images.arrived,
                frames_dropped=self._images.replaced,
                switches=self._stage.switches,
                switch_s=self._stage.switch_s,
                **counters,
            )
        )

    def _failed(self, error: Exception) -> None:
        self._session.abandon()
        self.get_logger().error(f"the worker goes on after: {error!r}")


def _seconds(message: Image | CompressedImage) -> float:
    stamp = message.header.stamp
    return float(stamp.sec + stamp.nanosec * 1e-9)


def _fill_energy(answer: Answer, head: Spent, waited: Spent, whole: Spent) -> None:
    """Put the phases' joules together; the edge has already filled in its own."""
    answer.head_j, answer.transmit_j = head.above_idle_j, waited.above_idle_j
    answer.energy_j = head.above_idle_j + waited.above_idle_j + answer.tail_j
    answer.energy_error_j += head.error_j + waited.error_j
    answer.gross_j += whole.gross_j


def main() -> None:
    """Run the node."""
    run(RobotNode, "robot")
