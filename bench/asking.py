# SPDX-License-Identifier: Apache-2.0
"""Asks a robot node for answers, one image after another, and keeps what the answers say."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

import rclpy
from coinfer_ros.msg import Answer
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.nodes import qos

Shape = tuple[int, int]

WARM_UP = 30
START_S = 60.0
# Above the robot's own time-out, so that a lost request comes back as a late answer.
ANSWER_S = 3.0
# Until both nodes know each other images are lost, so they are offered again.
OFFER_S = 0.3
GRACE_S = 5.0


def answers(shapes: Sequence[Shape], *, rounds: int) -> Iterator[list[Answer]]:
    """Yield for each shape the OK answers of ``rounds`` requests with such an embedding.

    :param shapes: (T, C) tokens and channels.
    :raises Unavailable: when the nodes end, do not answer, or lose one request in ten.
    """
    with running_nodes(shapes) as nodes, running_asker() as asker:
        for shape in shapes:
            asker.await_first(shape, nodes)
            received = [asker.ask(ANSWER_S) for _ in range(WARM_UP + rounds)][WARM_UP:]
            good = [answer for answer in received if _is_good(answer)]
            if len(good) < 0.9 * rounds:
                lost = rounds - len(good)
                raise Unavailable(f"{lost} of {rounds} requests had no answer in time")
            nodes.go_on()
            yield good


class Asker:
    """A node that publishes the smallest of images and takes the robot's answers."""

    def __init__(self, context: Context) -> None:
        self.node = rclpy.create_node("benchmark", context=context)
        self.executor = SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self._heard: list[Answer] = []
        self._images = self.node.create_publisher(Image, "image", qos.SENSOR)
        self.node.create_subscription(Answer, "answer", self._heard.append, qos.ANSWER)
        self._image = Image(height=8, width=8, encoding="rgb8", step=24, data=bytes(192))

    def ask(self, longest_s: float) -> Answer | None:
        """Publish one image and return its answer, None when none comes in time."""
        self._heard.clear()
        self._images.publish(self._image)
        deadline_s = time.monotonic() + longest_s
        while not self._heard and (left_s := deadline_s - time.monotonic()) > 0.0:
            self.executor.spin_once(timeout_sec=left_s)
        return self._heard[0] if self._heard else None

    def await_first(self, shape: Shape, nodes: _Nodes) -> None:
        """Wait for the first OK answer to an embedding of this shape.

        :raises Unavailable: when none comes, with what the nodes said.
        """
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            answer = self.ask(OFFER_S)
            if _is_good(answer) and answer.model_fingerprint == _name(shape):
                return
            nodes.check()
        raise Unavailable(f"no answer within {START_S:.0f} s; {nodes.last_words()}")


@contextlib.contextmanager
def running_asker() -> Iterator[Asker]:
    """Have an asker in a context of its own."""
    context = Context()
    rclpy.init(context=context)
    asker = Asker(context)
    try:
        yield asker
    finally:
        asker.executor.shutdown()
        asker.node.destroy_node()
        rclpy.try_shutdown(context=context)


class _Nodes:
    """The robot and edge nodes with stand-ins for the model's halves."""

    def __init__(self, shapes: Sequence[Shape], folder: Path) -> None:
        self._folder = folder
        self._running = {name: self._start(name, shapes) for name in ("edge", "robot")}

    def check(self) -> None:
        """Refuse to wait for the dead.

        :raises Unavailable: when a node has ended, with what it said last.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Unavailable(f"node {name} has ended; {self.last_words()}")

    def last_words(self) -> str:
        """Return the last line of each log."""
        lines = {name: self._log(name).read_text().splitlines() for name in self._running}
        return "; ".join(
            f"{name}: {said[-1] if said else 'silent'}" for name, said in lines.items()
        )

    def go_on(self) -> None:
        """Let both go on to the next shape; after the last one they end."""
        for process in self._running.values():
            process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Wait for both to end, but not long."""
        deadline_s = time.monotonic() + GRACE_S
        for process in self._running.values():
            try:
                process.wait(max(deadline_s - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, name: str, shapes: Sequence[Shape]) -> subprocess.Popen[bytes]:
        script = str(Path(__file__).with_name("standin.py"))
        command = [sys.executable, script, name, *map(_name, shapes)]
        command += ["--ros-args", "-p", "device.backend:=none"]
        with self._log(name).open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


@contextlib.contextmanager
def running_nodes(shapes: Sequence[Shape]) -> Iterator[_Nodes]:
    """Have the robot and the edge run, with stand-ins of these shapes."""
    with tempfile.TemporaryDirectory(prefix="coinfer-bench-") as folder:
        nodes = _Nodes(shapes, Path(folder))
        try:
            yield nodes
        finally:
            nodes.end()


def _is_good(answer: Answer | None) -> TypeGuard[Answer]:
    return answer is not None and answer.status == Answer.OK


def _name(shape: Shape) -> str:
    return f"{shape[0]}x{shape[1]}"
