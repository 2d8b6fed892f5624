# SPDX-License-Identifier: Apache-2.0
"""The same tensor to a server and an answer back: our nodes beside LeRobot's async inference."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from coinfer_ros.msg import Answer, Plan, Trace

from bench.asking import ANSWER_S, WARM_UP, Asker, Shape, running_asker, running_nodes
from bench.lines import LineProgram
from bench.options import Options
from bench.overhead import BYTES_A_VALUE, CHANNELS
from bench.runtimes import NOT_INSTALLED
from bench.section import Section
from bench.stats import spread
from coinfer_ros.core import wire
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.nodes import qos

PAYLOADS_KIB = (64, 256, 1024)  # at 16 bits a value
OUR_BITS, THEIR_BITS = (8, 16, 32), (16, 32)
OURS, THEIRS = "coinfer_ros", "LeRobot"
PEER = Path(__file__).with_name("peers") / "lerobot_grpc.py"
PERCENTILES = ("p50", "p95")
# The robot's trace of an answer comes when it has nothing left to do for it.
TRACE_S = 1.0
TRIES = 10

Durations = dict[tuple[str, int], list[float]]  # of each way at each width, s


class Theirs:
    """LeRobot's service between two processes.

    :param held: ends both processes.
    :ivar what: versions, or why it cannot be measured.
    """

    def __init__(self, held: contextlib.ExitStack) -> None:
        server = held.enter_context(contextlib.closing(LineProgram(PEER, "server")))
        port, _, self.what = server.read().partition(" ")
        self._client = None
        if port != "missing":
            client = LineProgram(PEER, "client", port)
            self._client = held.enter_context(contextlib.closing(client))

    @property
    def is_here(self) -> bool:
        """False where LeRobot cannot be imported."""
        return self._client is not None

    def ask(self, shape: Shape, bits: int) -> float:
        """Return how long a tensor took there and its answer back, s.

        :raises Unavailable: when a process has ended.
        """
        assert self._client is not None  # noqa: S101
        self._client.write(*shape, bits)
        return float(self._client.read())


class Ours:
    """The nodes ``robot`` and ``edge``, asked at any width of the wire."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._traces: list[Trace] = []
        self._plans = asker.node.create_publisher(Plan, "plan", qos.PLAN)
        asker.node.create_subscription(Trace, "trace", self._traces.append, qos.TRACE)
        self._plan_id = 0

    def plan(self, bits: int) -> None:
        """Have the robot send so many bits a value."""
        self._plan_id += 1
        self._plans.publish(Plan(plan_id=self._plan_id, weight_bits=16, wire_bits=bits))

    def ask(self) -> Answer:
        """Return the first good answer under the last plan, once the robot is at rest again.

        :raises Unavailable: when there is none.
        """
        for _ in range(TRIES):
            answer = self._asker.ask(ANSWER_S)
            self._await_rest()
            if answer and answer.status == Answer.OK and answer.plan_id == self._plan_id:
                return answer
        raise Unavailable(f"no good answer under plan {self._plan_id} to {TRIES} images")

    def _await_rest(self) -> None:
        deadline_s = time.monotonic() + TRACE_S
        while not self._traces and (left_s := deadline_s - time.monotonic()) > 0.0:
            self._asker.executor.spin_once(timeout_sec=left_s)
        self._traces.clear()


def measure(options: Options) -> Section:
    """Send tensors of each size by either way in turn."""
    shapes = [(kib * 1024 // BYTES_A_VALUE // CHANNELS, CHANNELS) for kib in PAYLOADS_KIB]
    rows: list[tuple[str, ...]] = []
    with contextlib.ExitStack() as held, running_nodes(shapes) as nodes, running_asker() as asker:
        ours, theirs = Ours(asker), Theirs(held)
        for shape in shapes:
            asker.await_first(shape, nodes)
            found = _in_turn(shape, ours, theirs, options.rounds(150, 20))
            rows += [_row(shape, *way, durations) for way, durations in found.items()]
            nodes.go_on()
    return Section(
        title="The same tensor through LeRobot's async inference",
        columns=("tensor", "way", "on the wire, KiB", *(f"{p}, ms" for p in PERCENTILES)),
        rows=tuple(rows),
        reading=_reading(theirs),
    )


def _in_turn(shape: Shape, ours: Ours, theirs: Theirs, rounds: int) -> Durations:
    ways = [(OURS, bits) for bits in OUR_BITS] + [(THEIRS, bits) for bits in THEIR_BITS]
    found: Durations = {way: [] for way in ways}
    for counts in [False] * WARM_UP + [True] * rounds:
        for bits in OUR_BITS:
            ours.plan(bits)
            took_s = {}
            if theirs.is_here and bits in THEIR_BITS:
                took_s[THEIRS] = theirs.ask(shape, bits)
            answer = ours.ask()
            took_s[OURS] = answer.total_s - answer.head_s - answer.tail_s
            for way, each_s in took_s.items() if counts else ():
                found[way, bits].append(each_s)
    return found


def _row(shape: Shape, way: str, bits: int, durations: list[float]) -> tuple[str, ...]:
    tokens, channels = shape
    sent = tokens * channels * bits // 8 if way == THEIRS else wire.size_bytes(shape, bits)
    cells = spread(durations).cells(1e3)[: len(PERCENTILES)] if durations else (NOT_INSTALLED, "")
    return f"{tokens} × {channels}", f"{way}, {bits} bits", f"{sent / 1024:g}", *cells


def _reading(theirs: Theirs) -> str:
    here = f"LeRobot's side here: {theirs.what}."
    if not theirs.is_here:
        here = (
            f"LeRobot cannot be imported ({theirs.what}); `pip install --target DIR --no-deps "
            'lerobot grpcio protobuf`, then `PYTHONPATH=DIR make bench ARGS="--only lerobot"`.'
        )
    return (
        "One float32 tensor on its way out and a sentence back, between two processes on one host"
        " with nothing to compute, ROS as its middleware's defaults have it, gRPC over loopback; "
        "the ways in turn, one request after another. Ours: the nodes `robot` and `edge`, from "
        "taking the image to the answer without head and tail: encoding (8 bits: a scale a "
        "token), the ROS message, the edge's checks of every field and value, decoding, the queue"
        " of robots, deadlines, sending again, plans. Theirs: LeRobot's own `AsyncInference` "
        "service and chunks around the calls that its client and server make: pickle, "
        "`SendObservations`, a queue of one, a `GetActions` that waits already, pickle; nothing "
        "is checked on the way. Its policy, processors, log, control rate and the pause that "
        "paces its server (33 ms unless set otherwise) are left out. It sends arrays as they are:"
        " 32 bits; at 16 bits NumPy makes float16 and float32 again within the time. What a "
        "server unpickles can run code in it (CVE-2026-25874, huggingface/lerobot issue 3047); "
        f"our wire has raw arrays alone. {here}"
    )
