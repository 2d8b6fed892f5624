# SPDX-License-Identifier: Apache-2.0
"""Node ``robot``: runs the head of the model on images and publishes the edge's answers."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from coinfer_ros import locate
from coinfer_ros.adapters.memory import resident
from coinfer_ros.adapters.stages import HeadReport, HeadStage
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS
from coinfer_ros.core.session import Session
from coinfer_ros.msg import Answer, Embedding, Plan, Trace
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import answer_to_trace, check_plan
from coinfer_ros.nodes.frames import AnyImage, Frames
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.questions import Question, Questions
from coinfer_ros.nodes.request import Requests
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import RobotSettings, image_px

DEFAULT_WIRE_BITS = 16
LONGEST_WAIT_S = 0.1
# A request is given up after this many times the delay that its plan predicts.
PATIENCE = 2.0


class RobotNode(CoinferNode[RobotSettings]):
    """One image at a time: head, wire, edge, answer; the newest image waits, older ones drop."""

    kind = RobotSettings

    def configure(self) -> None:
        """Read the board file and the head: a broken model is refused here."""
        robot_id = self.settings.robot_id
        if not 0 < len(robot_id.encode()) <= 64:
            raise InvalidInput(f"robot.id must be 1 to 64 bytes, got {robot_id!r}")
        self._board = read_board(self.settings)
        # torch takes seconds to import; meanwhile the node is up and others find it.
        from coinfer_ros.adapters import models  # noqa: PLC0415

        settings = self.settings
        self._head = models.open_head(
            locate.model(settings.model_path),
            cut=settings.cut,
            image_px=image_px(settings.image_width, settings.image_height),
            bits=settings.weight_bits,
            device=settings.device,
            kernel=settings.kernel,
        )
        self.configured.callback(lambda: delattr(self, "_head"))  # its memory
        self._info = self._head.info
        self._questions = Questions(self)
        self.configured.callback(self._questions.close)

    def activate(self) -> None:
        """Put the head at its bit-width, warm it up and begin."""
        machine = open_machine(self.settings, self._board, role="robot", held=self.active)
        self._note = machine.note
        if self._note:
            self.get_logger().warning(self._note)
        if self._head.bits != self.settings.weight_bits:  # an earlier life's plan left another
            self._head.use(self._head.prepare(self.settings.weight_bits))
        self._head.embed(np.zeros((64, 64, 3), np.uint8))  # the first one is slow
        self._stage = HeadStage(
            self._head,
            accelerator=machine.accelerator,
            meter=machine.meter,
            clock=machine.clock,
            flop=self.settings.head_flop or self._info.head_flop,
            full_bits=FULL_BITS,
        )
        self.active.callback(self._stage.close)
        self._plan, self._plan_in_place = Plan(), Plan(wire_bits=DEFAULT_WIRE_BITS)
        self._images = Frames(count=self._head.frames, span_s=self.settings.clip_s)
        self._session = Session(
            self.settings.robot_id, self._info.fingerprint, last_id=random.getrandbits(48)
        )
        embeddings = self._publisher(Embedding, "embedding", qos.TENSOR)
        self._requests = Requests(
            info=self._info,
            stage=self._stage,
            machine=machine,
            session=self._session,
            send=embeddings.publish,
            edge_listens=lambda: (
                embeddings.get_subscription_count() > 0 and self.count_publishers("result") > 0
            ),
            stopping=lambda: self._worker.stopping,
        )
        self._answers = self._publisher(Answer, "answer", qos.ANSWER)
        self._traces = self._publisher(Trace, "trace", qos.TRACE)
        self._subscribe(Plan, "plan", self._on_plan, qos.PLAN)
        self._subscribe(Answer, "result", self._requests.receive, qos.ANSWER)
        if self.settings.compressed:
            self._subscribe(CompressedImage, "image/compressed", self._images.put, qos.SENSOR)
        else:
            self._subscribe(Image, "image", self._images.put, qos.SENSOR)
        self.active.callback(lambda: self._questions.shut("the robot was deactivated"))
        self._worker = Worker(self._turn, self._failed)
        self.active.callback(self._worker.close)
        self.active.callback(machine.interrupt)
        self._worker.start()
        self._questions.open()

    def diagnose(self) -> dict[str, object]:
        """Say what became of images and requests."""
        return {
            "frames": self._images.arrived,
            "frames_dropped": self._images.replaced,
            **vars(self._session.counters),
            "weight_bits": self._stage.bits,
            "backend": self._head.backend,
            "resident": resident(),
            "plan_id": self._plan_in_place.plan_id,
            "warning": self._note or ("" if self._plan.plan_id else "no plan yet"),
        }

    def _publisher(self, kind: type, topic: str, profile: Any) -> Any:
        publisher = self.create_publisher(kind, topic, profile)
        self.active.callback(lambda: self.destroy_publisher(publisher))
        return publisher

    def _subscribe(self, kind: type, topic: str, callback: Any, profile: Any) -> None:
        subscription = self.create_subscription(kind, topic, callback, profile)
        self.active.callback(lambda: self.destroy_subscription(subscription))

    def _on_plan(self, plan: Plan) -> None:
        if plan.status == Plan.STOPPED:
            self._plan = plan
            return
        try:
            check_plan(plan, self._head.widths)
        except InvalidInput as error:
            self.get_logger().error(
                f"plan {plan.plan_id} refused: {error}", throttle_duration_sec=5.0
            )
            return
        self._stage.want(plan.weight_bits)
        self._plan = plan

    def _turn(self) -> None:
        """Answer the current question, else the newest image."""
        question = self._questions.current()
        frames = self._frames_for(question)
        if frames is None:
            return
        if self._plan.status == Plan.STOPPED:
            self._publish_answer(*self._requests.stopped(frames, self._plan), question)
            return
        self._stage.switch()
        newest = self._plan
        if newest.weight_bits == self._stage.bits:
            self._plan_in_place = newest
        plan = self._plan_in_place
        if question:
            question.stage("head")
        outcome = self._requests.run(
            frames,
            plan=plan,
            prompt=question.prompt if question else self.settings.prompt,
            timeout_s=max(self.settings.timeout_s, PATIENCE * plan.predicted_delay_s),
            from_stream=question is None,
            at_edge=lambda: question.stage("edge") if question else None,
        )
        if outcome is not None:
            self._publish_answer(*outcome, question)

    def _publish_answer(
        self, answer: Answer, sent: HeadReport | None, question: Question | None
    ) -> None:
        answer.age_s = self._requests.age_s(answer, self.get_clock().now().nanoseconds * 1e-9)
        if answer.status in (Answer.FAILED, Answer.LATE, Answer.STOPPED):
            self.get_logger().error(answer.reason, throttle_duration_sec=5.0)
        self._answers.publish(answer)
        self._traces.publish(self._trace(answer, sent))
        if question:
            self._questions.finish(answer)

    def _frames_for(self, question: Question | None) -> list[AnyImage] | None:
        """Return the image or clip to answer about next, None when there is none yet."""
        if question and question.cancelled:
            self._questions.finish(Answer(status=Answer.FAILED, reason="cancelled"))
            return None
        if question and question.image:
            return [question.image]
        frames = self._images.take(LONGEST_WAIT_S)
        if frames is None and question and question.waited_s > self.settings.timeout_s:
            reason = f"no image came within link.timeout_s = {self.settings.timeout_s} s"
            self._questions.finish(Answer(status=Answer.FAILED, reason=reason))
        return frames

    def _trace(self, answer: Answer, sent: HeadReport | None) -> Trace:
        return answer_to_trace(
            answer,
            weight_rate=self._head.weight_rate,
            embedding_bytes=sent.payload.size_bytes if sent else 0,
            wire_distortion=sent.wire_distortion.relative if sent else math.nan,
            frames=self._images.arrived,
            frames_dropped=self._images.replaced,
            switches=self._stage.switches,
            switch_s=self._stage.switch_s,
            **vars(self._session.counters),
        )

    def _failed(self, error: Exception) -> None:
        self._session.abandon()
        self._questions.finish(Answer(status=Answer.FAILED, reason=f"the robot failed: {error!r}"))
        self.get_logger().error(f"the worker goes on after: {error!r}")


def main() -> None:
    """Run the node."""
    run(RobotNode, "robot")
