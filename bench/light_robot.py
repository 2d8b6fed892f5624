# SPDX-License-Identifier: Apache-2.0
"""Program: a robot without its half of the model, which sends prepared embeddings to edges.

``light_robot.py ROBOT_ID FILE EDGE...`` prints ``ready`` when every edge is. For each line
``EDGE BEGIN_S END_S`` it then asks that edge one thing after another between these monotonic times
and prints a line of JSON: the delays of its answers, s, how many requests had none, and when the
last one ended. All but head, plan and repetition is the robot node's own: heartbeats, encoding,
message, inbox.
"""

from __future__ import annotations

import itertools
import json
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from coinfer_ros.msg import Answer
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from coinfer_ros.adapters.stages import HeadReport
from coinfer_ros.core import wire
from coinfer_ros.core.model import FULL_BITS, ModelInfo
from coinfer_ros.core.ports import PowerReading
from coinfer_ros.core.session import Request
from coinfer_ros.nodes.convert import embedding_to_message
from coinfer_ros.nodes.edges import Edges

WIRE_BITS = 16
TIMEOUT_S = 2.0  # as link.timeout_s
SILENCE_S = 2.0
START_S = 60.0
LOOK_EVERY_S = 0.05
NO_METER = PowerReading(at_s=0.0, power_w=0.0, energy_j=0.0, busy_s=0.0)


@dataclass(frozen=True)
class Prepared:
    """What a robot's half made of some images.

    :param embeddings: (N, T, C).
    """

    info: ModelInfo
    embeddings: NDArray[np.float32]

    def save(self, path: Path) -> None:
        """Write it to a file of arrays and text, nothing pickled."""
        np.savez(path, info=json.dumps(vars(self.info)), embeddings=self.embeddings)

    @staticmethod
    def load(path: Path) -> Prepared:
        """Read such a file."""
        with np.load(path, allow_pickle=False) as held:
            fields = json.loads(str(held["info"]))
            shape = tuple(fields.pop("embedding_shape"))
            return Prepared(ModelInfo(**fields, embedding_shape=shape), held["embeddings"])


@dataclass
class LightRobot:
    """Asks one thing at a time."""

    robot_id: str
    info: ModelInfo
    embeddings: Iterator[NDArray[np.float32]]
    edges: Edges
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def ask_until(self, edge: str, end_s: float) -> dict[str, object]:
        """Ask an edge until then.

        A delay lasts from before the encoding until the answer is there.
        """
        delays_s, lost, now_s = [], 0, time.monotonic()
        while now_s < end_s:
            answer, begun_s, now_s = self._ask(edge, now_s), now_s, time.monotonic()
            if answer is not None and answer.status == Answer.OK:
                delays_s.append(now_s - begun_s)
            else:
                lost += 1
        return {"delays_s": delays_s, "lost": lost, "end_s": now_s}

    def _ask(self, edge: str, begun_s: float) -> Answer | None:
        request = Request(next(self.ids), 0, begun_s, begun_s + TIMEOUT_S)
        embedding = next(self.embeddings)
        payload = wire.encode(embedding, WIRE_BITS)
        report = HeadReport(
            payload=payload,
            embedding=embedding,
            bits=FULL_BITS,
            backend="none",
            clock_hz=0.0,
            head_s=0.0,
            encode_s=0.0,
            window=(NO_METER, NO_METER),
        )
        message = embedding_to_message(
            report,
            request,
            robot_id=self.robot_id,
            stamp=Time(),
            info=self.info,
            prompt="",
            now_s=time.monotonic(),
        )
        self.edges.send(edge, message)
        return self._await(request)

    def _await(self, request: Request) -> Answer | None:
        while (left_s := request.deadline_s - time.monotonic()) > 0.0:
            try:
                answer = self.edges.inbox.get(timeout=left_s)
            except queue.Empty:
                return None
            if answer.request_id == request.request_id:
                return answer
        return None


def main(robot_id: str, file: str, *names: str) -> None:
    """Serve the lines of the input."""
    prepared = Prepared.load(Path(file))
    with ExitStack() as held:
        node = _spinning_node(robot_id, held)
        infos = [prepared.info]
        edges = Edges(node, names, robot_id=robot_id, infos=infos, silence_s=SILENCE_S, held=held)
        _await_edges(edges)
        print("ready", flush=True)
        robot = LightRobot(robot_id, prepared.info, itertools.cycle(prepared.embeddings), edges)
        for line in sys.stdin:
            edge, begin_s, end_s = line.split()
            time.sleep(max(float(begin_s) - time.monotonic(), 0.0))
            print(json.dumps(robot.ask_until(edge, float(end_s))), flush=True)


def _spinning_node(name: str, held: ExitStack) -> Node:
    """Return a node whose callbacks run in a thread until ``held`` is closed."""
    rclpy.init()
    held.callback(rclpy.try_shutdown)
    node, executor = rclpy.create_node(name), SingleThreadedExecutor()
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    # In reverse: what is still spinning when Python ends brings the process down.
    held.callback(spinning.join)
    held.callback(executor.shutdown)
    return node


def _await_edges(edges: Edges) -> None:
    deadline_s = time.monotonic() + START_S
    while trouble := edges.diagnose(time.monotonic()):
        if time.monotonic() > deadline_s:
            sys.exit(trouble)
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
