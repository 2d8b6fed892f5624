# SPDX-License-Identifier: Apache-2.0
"""The edge's signs of life: heard by every robot, and apart from them whether it is ready."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import ExitStack

from rclpy.node import Node

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import BEATS_A_SECOND
from coinfer_ros.core.model import ModelInfo
from coinfer_ros.core.roll_call import RollCall
from coinfer_ros.msg import EdgeState, RobotState
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.convert import check_name
from coinfer_ros.nodes.steady import steady_timer


class EdgeBeats:
    """Publishes an EdgeState five times a second from configure to cleanup.

    :param node: whose they are.
    :param edge: the edge's name.
    :param infos: its halves, one a cut.
    :param most_robots: robots that are echoed.
    :param held: what ends it.
    """

    def __init__(
        self,
        node: Node,
        edge: str,
        *,
        infos: Sequence[ModelInfo],
        most_robots: int,
        held: ExitStack,
    ) -> None:
        self.roll = RollCall(most_robots)
        self.reason = "not active"  # why it is not ready; empty: it is
        self.refused = 0  # beats that say nothing
        self.waiting, self._busy_s, self._looked_s = 0, 0.0, time.monotonic()
        self._state = EdgeState(
            schema=RobotState.SCHEMA,
            edge=edge,
            life=random.getrandbits(63) | 1,
            model_fingerprint=infos[0].fingerprint,
            cuts=[info.cut for info in infos],
            tokens=[info.embedding_shape[0] for info in infos],
            channels=[info.embedding_shape[1] for info in infos],
        )
        self._publisher = node.create_publisher(
            EdgeState, topics.of_edge(edge, "heartbeat"), qos.BEAT
        )
        held.callback(node.destroy_publisher, self._publisher)
        robots = node.create_subscription(
            RobotState, topics.of_edge(edge, "robots"), self._on_robot, qos.BEATS
        )
        held.callback(node.destroy_subscription, robots)
        timer = steady_timer(node, 1.0 / BEATS_A_SECOND, self._beat)
        held.callback(node.destroy_timer, timer)

    def worked(self, seconds: float) -> None:
        """Note that the model ran, s."""
        self._busy_s += seconds

    def _on_robot(self, state: RobotState) -> None:
        try:
            check_name("robot_id", state.robot_id)
        except InvalidInput:
            self.refused += 1  # what has no name cannot be echoed
            return
        self.roll.beat(state.robot_id, state.beat, time.monotonic())

    def _beat(self) -> None:
        now_s, state = time.monotonic(), self._state
        present = self.roll.present(now_s)
        state.ready, state.reason = not self.reason, self.reason
        state.waiting = min(self.waiting, 65535)
        state.busy = min(self._busy_s / max(now_s - self._looked_s, 1e-6), 1.0)
        self._busy_s, self._looked_s = 0.0, now_s
        state.robots = [name for name, _ in present]
        state.beats = [heard.beat for _, heard in present]
        state.held_s = [now_s - heard.at_s for _, heard in present]
        state.requests = [heard.request for _, heard in present]
        self._publisher.publish(state)
