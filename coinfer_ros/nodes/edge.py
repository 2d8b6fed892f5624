# SPDX-License-Identifier: Apache-2.0
"""Node ``edge``: answers embeddings of several robots with the tail of the model."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from coinfer_ros import locate
from coinfer_ros.adapters.memory import resident
from coinfer_ros.adapters.stages import TailStage
from coinfer_ros.core import wire
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import Tail
from coinfer_ros.msg import Answer, Embedding
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import Asked, message_to_asked, unknown_answer
from coinfer_ros.nodes.edge_beats import EdgeBeats
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import EdgeSettings, image_px, names

REFUSALS_LOGGED_EVERY_S = 5.0


class EdgeNode(CoinferNode[EdgeSettings]):
    """Checks what comes, keeps the newest request of each robot, answers the oldest of those."""

    kind = EdgeSettings

    def configure(self) -> None:
        """Read the board file and the tail: a broken model is refused here."""
        settings = self.settings
        topics.of_edge(settings.edge_id, "embedding")
        self._board = read_board(settings)
        self._tails = {tail.info.cut: tail for tail in self._open_tails()}
        self.configured.callback(self._tails.clear)  # their memory
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
        self._waiting: OrderedDict[str, tuple[Asked, float]] = OrderedDict()
        self._arrived = threading.Condition()
        self._counts = {"answered": 0, "refused": 0, "replaced": 0, "expired": 0, "failed": 0}
        self._refusal = ""
        edge = self.settings.edge_id
        self._results = self.create_publisher(Answer, topics.of_edge(edge, "result"), qos.ANSWER)
        self.active.callback(lambda: self.destroy_publisher(self._results))
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

    def _open_tails(self) -> list[Tail]:
        """Return the edge's half at each cut, here or in an engine."""
        # torch takes seconds to import; meanwhile the node is up and others find it.
        from coinfer_ros.adapters import models  # noqa: PLC0415

        settings = self.settings
        folder = locate.model(settings.model_path)
        size = image_px(settings.image_width, settings.image_height)
        cuts = names("split.cut", settings.cut)
        if settings.engine_url:
            from coinfer_ros.adapters.engines import open_engine  # noqa: PLC0415

            if len(cuts) > 1:
                raise InvalidInput(
                    f"split.cut must name one cut where engine.url is given, got {settings.cut!r}"
                )
            info = models.describe(folder, cut=cuts[0], image_px=size)
            return [open_engine(settings.engine_url, info, timeout_s=settings.engine_timeout_s)]
        return [
            models.open_tail(
                folder,
                cut=cut,
                image_px=size,
                max_new_tokens=settings.max_new_tokens,
                device=settings.device,
                precision=settings.precision,
            )
            for cut in cuts
        ]

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
        return {
            **self._counts,
            "last_refusal": self._refusal,
            "backend": next(iter(self._tails.values())).backend,
            "resident": resident(),
            "warning": self._note,
        }

    def _on_embedding(self, message: Embedding) -> None:
        try:
            asked = message_to_asked(message, self._infos)
            self._beats.roll.request(asked.robot_id, asked.request_id, time.monotonic())
            with self._arrived:
                known = asked.robot_id in self._waiting
                if not known and len(self._waiting) >= self.settings.max_robots:
                    raise InvalidInput(
                        f"robot_id must be one of at most link.max_robots = "
                        f"{self.settings.max_robots} waiting, got {asked.robot_id!r} beside them"
                    )
                self._counts["replaced"] += known
                self._waiting[asked.robot_id] = (asked, time.monotonic())
                self._arrived.notify()
        except InvalidInput as error:
            self._refuse(message, str(error))

    def _refuse(self, message: Embedding, reason: str) -> None:
        self._counts["refused"] += 1
        self._refusal = reason
        self.get_logger().warning(
            f"refused: {reason}", throttle_duration_sec=REFUSALS_LOGGED_EVERY_S
        )
        self._results.publish(
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
        with self._arrived:
            if not self._arrived.wait_for(lambda: bool(self._waiting), timeout=0.1):
                return
            _, (asked, arrived_s) = self._waiting.popitem(last=False)
        queue_s = time.monotonic() - arrived_s
        if queue_s > asked.deadline_s:
            self._counts["expired"] += 1  # its robot has given up
            return
        try:
            self._results.publish(self._answer(asked, queue_s))
            self._counts["answered"] += 1
        except CoinferError as error:
            self._counts["failed"] += 1
            self._results.publish(self._failure(asked, str(error)))
        except Exception as error:
            self._counts["failed"] += 1
            self._results.publish(self._failure(asked, f"the tail failed: {error}"))
            raise

    def _answer(self, asked: Asked, queue_s: float) -> Answer:
        report = self._stages[asked.cut].run(lambda: wire.decode(asked.payload), asked.prompt)
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
            queue_s=queue_s,
            tail_s=report.tail_s,
            tail_j=report.spent.above_idle_j,
            tail_gross_j=report.spent.gross_j,
            tail_error_j=report.spent.error_j,
        )

    def _failure(self, asked: Asked, reason: str) -> Answer:
        return unknown_answer(
            **_echo(asked), status=Answer.FAILED, reason=reason.splitlines()[0][:500]
        )

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"the worker goes on after: {error!r}")


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
