# SPDX-License-Identifier: Apache-2.0
"""Node ``robot``: runs the head of the model on images and publishes the edge's answers."""

from __future__ import annotations

import math
import random
import time
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage, Image

from coinfer_ros.adapters.memory import resident
from coinfer_ros.adapters.stages import HeadReport, HeadStage
from coinfer_ros.backends import Machine
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import FULL_BITS, Head
from coinfer_ros.core.session import Session, time_for
from coinfer_ros.msg import Answer, Plan, Trace
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import answer_to_trace, check_name, check_plan
from coinfer_ros.nodes.edges import Edges
from coinfer_ros.nodes.epochs import Epochs, of_header
from coinfer_ros.nodes.fallback import Fallback, open_local
from coinfer_ros.nodes.flight import Asked, Under
from coinfer_ros.nodes.frames import AnyImage, Frames
from coinfer_ros.nodes.halves import open_heads
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.questions import Question, Questions
from coinfer_ros.nodes.request import Requests
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import RobotSettings, names

DEFAULT_WIRE_BITS = 16
LONGEST_WAIT_S = 0.1


class RobotNode(CoinferNode[RobotSettings]):
    """One image at a time: head, wire, edge, answer; the newest image waits, older ones drop."""

    kind = RobotSettings

    def configure(self) -> None:
        """Read the board file and the head: a broken model is refused here."""
        settings = self.settings
        check_name("robot.id", settings.robot_id)
        self._names = names("link.edges", settings.edges)
        for name in self._names:
            topics.of_edge(name, "embedding")
        self._board = read_board(settings)
        self._heads = open_heads(settings)
        self.configured.callback(self._heads.clear)  # their memory
        self._local = open_local(self.settings)
        self._questions = Questions(self)
        self.configured.callback(self._questions.close)

    def activate(self) -> None:
        """Put the head at its bit-width, warm it up and begin."""
        machine = open_machine(self.settings, self._board, role="robot", held=self.active)
        self._note = machine.note
        if self._note:
            self.get_logger().warning(self._note)
        self._stages = {cut: self._stage(head, machine) for cut, head in self._heads.items()}
        self._cut = next(iter(self._heads))
        self._plan, self._plan_in_place = Plan(), Plan(wire_bits=DEFAULT_WIRE_BITS)
        self._images = Frames(count=self._head.frames, span_s=self.settings.clip_s)
        self._epochs = Epochs(self, began=self._images.clear, held=self.active)
        self._epoch = self._epochs.number
        self._session = Session(
            self.settings.robot_id, self._head.info.fingerprint, last_id=random.getrandbits(48)
        )
        self._edges = Edges(
            self,
            self._names,
            robot_id=self.settings.robot_id,
            infos=[head.info for head in self._heads.values()],
            silence_s=self.settings.silence_s,
            held=self.active,
        )
        self._fallback = Fallback(self._local, machine.accelerator)
        self._requests = Requests(
            machine=machine,
            session=self._session,
            edges=self._edges,
            fallback=self._fallback,
            stopping=lambda: self._worker.stopping,
        )
        self._answers = self._publisher(Answer, "answer", qos.ANSWER)
        self._traces = self._publisher(Trace, "trace", qos.TRACE)
        self._subscribe(Plan, "plan", self._on_plan, qos.PLAN)
        packed = self.settings.compressed
        kind, topic = (CompressedImage, "image/compressed") if packed else (Image, "image")
        self._subscribe(kind, topic, self._epochs.of_now(self._images.put, of_header), qos.SENSOR)
        self.active.callback(lambda: self._questions.shut("the robot was deactivated"))
        self._worker = Worker(self._turn, self._failed)
        self.active.callback(self._worker.close)
        self.active.callback(machine.interrupt)
        self._worker.start()
        self._questions.open()

    def settings_changed(self) -> None:
        """Take another time after which a silent edge is gone."""
        self._edges.set_silence(self.settings.silence_s)

    def _stage(self, head: Head, machine: Machine) -> HeadStage:
        """Put a head at its first bit-width, warm it up, and return its stage."""
        if head.bits != self.settings.weight_bits:  # an earlier life's plan left another
            head.use(head.prepare(self.settings.weight_bits))
        head.embed(np.zeros((64, 64, 3), np.uint8))  # the first one is slow
        stage = HeadStage(
            head,
            accelerator=machine.accelerator,
            meter=machine.meter,
            clock=machine.clock,
            flop=self.settings.head_flop or head.info.head_flop,
            full_bits=FULL_BITS,
        )
        self.active.callback(stage.close)
        return stage

    def diagnose(self) -> dict[str, object]:
        """Say what became of images and requests."""
        return {
            "frames": self._images.arrived,
            "frames_dropped": self._images.replaced,
            "frames_of_earlier_epochs": self._epochs.left_out,
            "epochs": self._epochs.number,
            **vars(self._session.counters),
            "cut": self._cut,
            "weight_bits": self._stages[self._cut].bits,
            "backend": self._head.backend,
            "resident": resident(),
            "plan_id": self._plan_in_place.plan_id,
            "warning": self._images.silence(time.monotonic())
            or self._note
            or self._edges.diagnose(time.monotonic())
            or ("" if self._plan.plan_id else "no plan yet"),
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
            self._planned_cut(plan)
        except InvalidInput as error:
            self.get_logger().error(
                f"plan {plan.plan_id} refused: {error}", throttle_duration_sec=5.0
            )
            return
        self._stages[self._planned_cut(plan)].want(plan.weight_bits)
        self._plan = plan

    def _planned_cut(self, plan: Plan) -> str:
        """Return the cut of a plan; one that names none means the first.

        :raises InvalidInput: when this robot's model is not cut there.
        """
        if plan.cut and plan.cut not in self._stages:
            raise InvalidInput(
                f"cut must be one of {', '.join(self._stages)}, got {plan.cut[:64]!r}"
            )
        return plan.cut or next(iter(self._heads))

    @property
    def _head(self) -> Head:
        return self._heads[self._cut]

    def _turn(self) -> None:
        """Answer the current question, else the newest image."""
        question, epoch = self._questions.current(), self._epochs.number
        if epoch != self._epoch:
            self._fallback.forget()
            self._epoch = epoch
        frames = self._frames_for(question)
        # Begun anew meanwhile: which epoch the image is of, nobody can tell any more.
        if frames is None or self._epochs.over(epoch):
            return
        newest, settings = self._plan, self.settings
        stopped = newest.status == Plan.STOPPED
        if not stopped:
            self._follow(newest)
        plan = newest if stopped else self._plan_in_place
        asked = Asked(
            frames,
            prompt=question.prompt if question else settings.prompt,
            timeout_s=time_for(plan.predicted_delay_s, least_s=settings.timeout_s),
            retries=settings.retries,
            from_stream=question is None,
            at_edge=lambda: question.stage("edge") if question else None,
            cancelled=lambda: (
                self._epochs.over(epoch) or ("cancelled" if question and question.cancelled else "")
            ),
        )
        under = Under(plan, self._stages[self._cut], self._head.info)
        if stopped:
            self._publish_answer(*self._requests.stopped(asked, under), question)
            return
        if question:
            question.stage("head")
        outcome = self._requests.run(asked, under)
        if outcome is not None:
            self._publish_answer(*outcome, question)

    def _follow(self, newest: Plan) -> None:
        """Between two frames: put the newest plan's cut and width in place when they are ready."""
        cut = self._planned_cut(newest)
        stage = self._stages[cut]
        stage.switch()
        if newest.weight_bits == stage.bits:
            self._plan_in_place, self._cut = newest, cut

    def _publish_answer(
        self, answer: Answer, sent: HeadReport | None, question: Question | None
    ) -> None:
        answer.age_s = self._fallback.age_s(answer, self.get_clock().now().nanoseconds * 1e-9)
        if answer.status in (Answer.FAILED, Answer.LATE, Answer.STOPPED):
            self.get_logger().error(answer.reason, throttle_duration_sec=5.0)
        self._answers.publish(answer)
        self._traces.publish(self._trace(answer, sent))
        if question:
            self._questions.finish(answer)

    def _frames_for(self, question: Question | None) -> list[AnyImage] | None:
        """Return the image or clip to answer about next, None when there is none yet."""
        if question and question.cancelled:
            self._questions.finish(Answer(status=Answer.CANCELLED, reason="cancelled"))
            return None
        if question and question.image:
            return [question.image]
        frames = self._images.take(LONGEST_WAIT_S)
        if frames is None and question and question.waited_s > self.settings.timeout_s:
            reason = f"no image came within link.timeout_s = {self.settings.timeout_s} s"
            self._questions.finish(Answer(status=Answer.FAILED, reason=reason))
        return frames

    def _trace(self, answer: Answer, sent: HeadReport | None) -> Trace:
        round_trip_s, p95_s = self._edges.round_trip(answer.edge)
        stages = self._stages.values()
        return answer_to_trace(
            answer,
            round_trip_s=round_trip_s,
            round_trip_p95_s=p95_s,
            weight_rate=self._head.weight_rate,
            embedding_bytes=sent.payload.size_bytes if sent else 0,
            wire_distortion=sent.wire_distortion.relative if sent else math.nan,
            frames=self._images.arrived,
            frames_dropped=self._images.replaced,
            switches=sum(stage.switches for stage in stages),
            switch_s=max(stage.switch_s for stage in stages),
            **vars(self._session.counters),
        )

    def _failed(self, error: Exception) -> None:
        self._session.abandon()
        self._questions.finish(Answer(status=Answer.FAILED, reason=f"the robot failed: {error!r}"))
        self.get_logger().error(f"the worker goes on after: {error!r}")


def main() -> None:
    """Run the node."""
    run(RobotNode, "robot")
