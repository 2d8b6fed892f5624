# SPDX-License-Identifier: Apache-2.0
"""The robot's side of the way to its edges: beats, embeddings out, results in, who is there."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from rclpy.node import Node

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import BEATS_A_SECOND, EdgeBeat, EdgeWatch, RoundTrips
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.msg import Answer, EdgeState, Embedding, RobotState
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.convert import message_to_beat
from coinfer_ros.nodes.steady import steady_timer

# More results than this for one robot at once are a flood, not answers.
INBOX_LENGTH = 16


class Edges:
    """All edges that may answer one robot.

    :param node: whose publishers and subscriptions they are.
    :param names: of the edges, in the order of preference where a plan says nothing.
    :param infos: the robot's halves, one a cut.
    :param silence_s: without a heartbeat for so long an edge is gone, s.
    :param held: what closes it all.
    :ivar inbox: results for this robot, put by the executor's thread.
    """

    def __init__(
        self,
        node: Node,
        names: Sequence[str],
        *,
        robot_id: str,
        infos: Sequence[ModelInfo],
        silence_s: float,
        held: ExitStack,
    ) -> None:
        self._node, self._robot_id, self._infos = node, robot_id, infos
        self.inbox: queue.Queue[Answer] = queue.Queue(INBOX_LENGTH)
        self._watches = {name: EdgeWatch(name, silence_s=silence_s) for name in names}
        self._trips = {name: RoundTrips() for name in names}
        self._beat = 0
        self._out, self._beats = {}, {}
        for name in names:
            for kind, topic, profile, into in (
                (Embedding, "embedding", qos.TENSOR, self._out),
                (RobotState, "robots", qos.BEAT, self._beats),
            ):
                into[name] = node.create_publisher(kind, topics.of_edge(name, topic), profile)
                held.callback(node.destroy_publisher, into[name])
            for kind, topic, profile, callback in (
                (Answer, "result", qos.RESULTS, lambda _, result: self._on_result(result)),
                (EdgeState, "heartbeat", qos.BEAT, self._on_beat),
            ):
                subscription = node.create_subscription(
                    kind, topics.of_edge(name, topic), partial(callback, name), profile
                )
                held.callback(node.destroy_subscription, subscription)
        timer = steady_timer(node, 1.0 / BEATS_A_SECOND, self._send_beats)
        held.callback(node.destroy_timer, timer)

    def set_silence(self, silence_s: float) -> None:
        """Take another time after which a silent edge is gone, s."""
        for watch in self._watches.values():
            watch.silence_s = silence_s

    def choose(self, planned: str, now_s: float) -> EdgeWatch:
        """Return the planned edge when it can be asked, else any that can, else the planned one.

        :param planned: a plan's edge; empty: the plan names none.
        """
        wanted = self._watches.get(planned) or next(iter(self._watches.values()))
        ready = (w for w in (wanted, *self._watches.values()) if not w.trouble(now_s))
        return next(ready, wanted)

    def send(self, name: str, message: Embedding) -> None:
        """Send an embedding to an edge."""
        self._out[name].publish(message)

    def round_trip(self, name: str) -> tuple[float, float]:
        """Return an edge's median round trip since the last call, and the 95th percentile, s."""
        trips = self._trips.get(name) or next(iter(self._trips.values()))
        return trips.take_median(), trips.p95_s

    def diagnose(self, now_s: float) -> str:
        """Return what is wrong with the edges; empty: nothing."""
        troubles = (watch.trouble(now_s) for watch in self._watches.values())
        return "; ".join(trouble for trouble in troubles if trouble)

    def _send_beats(self) -> None:
        self._beat += 1
        message = RobotState(
            schema=RobotState.SCHEMA,
            robot_id=self._robot_id,
            beat=self._beat,
            model_fingerprint=self._infos[0].fingerprint,
            cuts=[info.cut for info in self._infos],
        )
        now_s = time.monotonic()
        for name, publisher in self._beats.items():
            self._trips[name].sent(self._beat, now_s)
            publisher.publish(message)

    def _on_beat(self, name: str, state: EdgeState) -> None:
        now_s = time.monotonic()
        try:
            beat = message_to_beat(state, self._robot_id)
            self._check_match(state)
        except InvalidInput as error:
            # Heard, so it is there; but it is of no use, and every answer will say why.
            beat = EdgeBeat(state.life, ready=False, reason=str(error), matches=False)
        self._watches[name].heard(beat, now_s)
        if beat.beat:
            self._trips[name].echoed(beat.beat, beat.held_s, now_s)

    def _check_match(self, state: EdgeState) -> None:
        """Refuse an edge of another model or cut before anything is sent to it.

        :raises InvalidInput: naming what differs.
        """
        mine = self._infos[0].fingerprint
        if state.model_fingerprint != mine:
            raise InvalidInput(
                f"model_fingerprint must be {mine[:12]}…, this robot's model, "
                f"got {state.model_fingerprint[:12]}…"
            )
        missing = [info.cut for info in self._infos if info.cut not in state.cuts]
        if missing:
            there = ", ".join(cut[:64] for cut in state.cuts[:8])
            raise InvalidInput(
                f"cuts must hold {missing[0]!r}, this robot's, got {there or 'none'}"
            )

    def _on_result(self, result: Answer) -> None:
        """Take a result; another robot's and a flood's are left out."""
        if result.robot_id == self._robot_id:
            with contextlib.suppress(queue.Full):
                self.inbox.put_nowait(result)
