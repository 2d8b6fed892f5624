# SPDX-License-Identifier: Apache-2.0
"""Node ``impaired_link``: a bad link between robots and an edge whose processes share a machine."""

from __future__ import annotations

import itertools
import math
import threading
import time
from dataclasses import dataclass
from functools import partial

import numpy as np
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from coinfer_ros.link_topics import behind_link
from coinfer_ros.msg import Answer, DeviceState, EdgeState, Embedding, Plan, RobotState
from coinfer_ros.nodes import qos, topics
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.worker import Worker
from coinfer_ros.parameters import ImpairedLinkSettings
from coinfer_ros.sim.message_link import MessageImpairment, OneWay, Stream

Tell = partial[None]  # what arrives: the publishing of a message
LONGEST_WAIT_S = 0.1
GONE = "the link is gone, as it was asked to be"


@dataclass(frozen=True)
class Crossing:
    """A topic that crosses the link.

    :param heard: QoS of its reader on the other side, with which it is heard on this one.
    :param told: QoS of its writers on this side; with the reader's depth it is told on the other.
    """

    kind: type
    topic: str
    heard: QoSProfile
    told: QoSProfile


TO_EDGE, TO_ROBOT = "to_edge", "to_robot"


def crossings(edge: str) -> dict[str, tuple[Crossing, ...]]:
    """Return what crosses between robots and an edge's host, by the way that it goes.

    :raises InvalidInput: when the edge's name is none that ROS takes.
    """
    named = partial(topics.of_edge, edge)
    return {
        TO_EDGE: (
            Crossing(Embedding, named("embedding"), qos.TENSORS, qos.TENSOR),
            Crossing(RobotState, named("robots"), qos.BEATS, qos.BEAT),
            Crossing(Plan, named("plan"), qos.PLANS, qos.PLAN),
        ),
        TO_ROBOT: (
            Crossing(Answer, named("result"), qos.RESULTS, qos.RESULT),
            Crossing(EdgeState, named("heartbeat"), qos.BEAT, qos.BEAT),
            Crossing(DeviceState, topics.device_state(edge), qos.SENSOR, qos.SENSOR),
        ),
    }


class ImpairedLinkNode(CoinferNode[ImpairedLinkSettings]):
    """Hears every topic on one side and tells it on the other, serialized, when it has arrived.

    Time is the machine's: a link, as the machines, does not slow down with a simulator.
    """

    kind = ImpairedLinkSettings

    def configure(self) -> None:
        """Name the topics."""
        self._crossings = crossings(self.settings.edge_id)

    def activate(self) -> None:
        """Connect both sides."""
        self._begun_s = time.monotonic()
        self._changing = threading.Condition()  # guards both ways
        self._ways: dict[str, OneWay[Tell]] = {
            name: OneWay(self._impairment()) for name in self._crossings
        }
        seeds = itertools.count()
        for name, crossings_of_way in self._crossings.items():
            for crossing in crossings_of_way:
                rng = np.random.default_rng([self.settings.seed, next(seeds)])
                self._connect(name, crossing, rng)
        worker = Worker(self._turn, self._failed)
        self.active.callback(worker.close)
        worker.start()

    def settings_changed(self) -> None:
        """Be another link from now on; what is under way arrives as it would have."""
        with self._changing:
            for way in self._ways.values():
                way.impairment = self._impairment()
            self._changing.notify()

    def describe(self) -> str:
        """Say what the link is like."""
        like = self._impairment()
        words = [
            f"edge {self.settings.edge_id!r}, each way: {like.delay_s:g} s and "
            f"{like.jitter_s:g} s of jitter, {like.lost:g} lost, {like.goodput_bps:g} bit/s"
        ]
        if self.settings.gone_for_s > 0.0:
            words.append(
                f"gone from {self.settings.gone_from_s:g} s on for {self.settings.gone_for_s:g} s"
            )
        return ", ".join(words)

    def diagnose(self) -> dict[str, object]:
        """Say what became of the messages of either way."""
        with self._changing:
            counts = {
                f"{name}_{what}": count
                for name, way in self._ways.items()
                for what, count in {**vars(way.counts), "held": way.held}.items()
            }
        gone = self._impairment().is_gone(time.monotonic())
        return {**counts, "gone": gone, "warning": GONE if gone else ""}

    def _impairment(self) -> MessageImpairment:
        settings, from_s = self.settings, self._begun_s + self.settings.gone_from_s
        return MessageImpairment(
            delay_s=settings.delay_s,
            jitter_s=settings.jitter_s,
            lost=settings.lost,
            goodput_bps=settings.goodput_bps or math.inf,
            gone_from_s=-math.inf if settings.gone else from_s,
            gone_until_s=math.inf if settings.gone else from_s + settings.gone_for_s,
        )

    def _connect(self, way: str, crossing: Crossing, rng: np.random.Generator) -> None:
        behind = behind_link(crossing.topic)
        source, target = (crossing.topic, behind) if way == TO_EDGE else (behind, crossing.topic)
        stream: Stream[Tell] = self._ways[way].stream(
            depth=crossing.told.depth,
            reliable=crossing.told.reliability == ReliabilityPolicy.RELIABLE,
            rng=rng,
        )
        # One writer stands for all of its side, so that it keeps what a reader keeps of them all.
        publisher = self.create_publisher(crossing.kind, target, crossing.heard)
        self.active.callback(self.destroy_publisher, publisher)

        def take(data: bytes) -> None:
            self._take(self._ways[way], stream, publisher, subscription, data)

        subscription = self.create_subscription(
            crossing.kind, source, take, crossing.heard, raw=True
        )
        self.active.callback(self.destroy_subscription, subscription)

    def _take(
        self,
        way: OneWay[Tell],
        stream: Stream[Tell],
        publisher: Publisher,
        subscription: Subscription,
        data: bytes,
    ) -> None:
        with self._changing:
            way.send(
                stream,
                partial(publisher.publish, data),
                size_bytes=len(data),
                now_s=time.monotonic(),
                writers=subscription.get_publisher_count(),
            )
            self._changing.notify()

    def _turn(self) -> None:
        """Tell what has arrived, or wait until something has."""
        with self._changing:
            now_s = time.monotonic()
            arrived = [tell for way in self._ways.values() for tell in way.arrived(now_s)]
            if not arrived:
                next_s = min(way.next_s(now_s) for way in self._ways.values())
                self._changing.wait(min(max(next_s - now_s, 0.0), LONGEST_WAIT_S))
        for tell in arrived:
            tell()

    def _failed(self, error: Exception) -> None:
        self.get_logger().error(f"the link goes on after: {error!r}", throttle_duration_sec=5.0)


def main() -> None:
    """Run the node."""
    run(ImpairedLinkNode, "impaired_link")
