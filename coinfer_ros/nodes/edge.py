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
from coinfer_ros.msg import Answer, Embedding
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import Asked, message_to_asked, unknown_answer
from coinfer_ros.nodes.machine import open_machine, read_board
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import EdgeSettings, image_px

REFUSALS_LOGGED_EVERY_S = 5.0


class EdgeNode(CoinferNode[EdgeSettings]):
    """Checks what comes, keeps the newest request of each robot, answers the oldest of those."""

    kind = EdgeSettings

    def configure(self) -> None:
        """Read the board file and the tail: a broken model is refused here."""
        self._board = read_board(self.settings)
        # torch takes seconds to import; meanwhile the node is up and others find it.
        from coinfer_ros.adapters import models  # noqa: PLC0415

        settings = self.settings
        self._tail = models.open_tail(
            locate.model(settings.model_path),
            cut=settings.cut,
            image_px=image_px(settings.image_width, settings.image_height),
            max_new_tokens=settings.max_new_tokens,
            device=settings.device,
            precision=settings.precision,
        )
        self.configured.callback(lambda: delattr(self, "_tail"))  # its memory
        self._info = self._tail.info

    def activate(self) -> None:
        """Warm the tail up and begin to answer."""
        machine = open_machine(self.settings, self._board, role="edge", held=self.active)
        self._note = machine.note
        if self._note:
            self.get_logger().warning(self._note)
        self._tail.warm_up()
        self._machine = machine
        self._stage = TailStage(
            self._tail,
            accelerator=machine.accelerator,
            meter=machine.meter,
            clock=machine.clock,
            flop=self.settings.tail_flop or self._info.tail_flop,
        )
        self._waiting: OrderedDict[str, tuple[Asked, float]] = OrderedDict()
        self._arrived = threading.Condition()
        self._counts = {"answered": 0, "refused": 0, "replaced": 0, "expired": 0, "failed": 0}
        self._refusal = ""
        self._results = self.create_publisher(Answer, "result", qos.ANSWER)
        self.active.callback(lambda: self.destroy_publisher(self._results))
        worker = Worker(self._turn, self._failed)
        self.active.callback(worker.close)
        self.active.callback(machine.interrupt)
        worker.start()
        embeddings = self.create_subscription(
            Embedding, "embedding", self._on_embedding, qos.TENSORS
        )
        self.active.callback(lambda: self.destroy_subscription(embeddings))

    def diagnose(self) -> dict[str, object]:
        """Say what became of the requests."""
        return {
            **self._counts,
            "last_refusal": self._refusal,
            "backend": self._tail.backend,
            "resident": resident(),
            "warning": self._note,
        }

    def _on_embedding(self, message: Embedding) -> None:
        try:
            asked = message_to_asked(message, self._info)
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
        report = self._stage.run(lambda: wire.decode(asked.payload), asked.prompt)
        return unknown_answer(
            **_echo(asked),
            status=Answer.OK,
            text=report.generated.text,
            tokens=report.generated.tokens,
            source=Answer.SOURCE_EDGE,
            cut=self._info.cut,
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
