# SPDX-License-Identifier: Apache-2.0
"""Program that publishes many messages, each of which breaks a rule of its receiver.

``wild.py SEED COUNT`` waits for a real message on every topic and spoils copies of it. It prints,
as a JSON object, how many it has published of what, how many the edge has said to have refused,
and how large the largest was. The same seed makes the same messages of the same real ones.
"""

from __future__ import annotations

import json
import random
import sys
import time
from itertools import cycle, islice

import rclpy
from coinfer_ros.msg import Answer, Embedding, Trace
from rclpy.qos import QoSProfile
from spoiling import LARGE_BYTES, not_numbers, spoiled, torn

TOPICS = {Embedding: "/edge/embedding", Trace: "/trace", Answer: "/edge/result"}
# Every other message is an embedding, whose refusal is awaited: a flood would push real messages
# out of the readers' queues before anybody judges them. After each comes one of these, in turn.
OTHERS = ("Trace", "Answer", "Trace", "Answer", "torn")
MOST_UNREFUSED = 4
PATIENCE_S = 0.5
LINGER_S = 1.0
NOT_NUMBERS_EVERY = 20  # embeddings


class Wild:
    """The publisher of it all, with its count."""

    def __init__(self, node, rng):
        self.node, self.rng = node, rng
        self.said = dict.fromkeys((*(kind.__name__ for kind in TOPICS), "torn", "refused"), 0)
        self.reals = self._real_messages()
        self.publishers = {
            kind: node.create_publisher(kind, topic, QoSProfile(depth=100))
            for kind, topic in TOPICS.items()
        }
        node.create_subscription(Answer, TOPICS[Answer], self._on_result, QoSProfile(depth=100))
        while not all(p.get_subscription_count() for p in self.publishers.values()):
            time.sleep(0.1)

    def _real_messages(self):
        """Return one real message of each kind, as soon as there are all."""
        found = {}
        subscriptions = [
            self.node.create_subscription(
                kind, topic, lambda m, kind=kind: found.setdefault(kind, m), QoSProfile(depth=1)
            )
            for kind, topic in TOPICS.items()
        ]
        while len(found) < len(TOPICS):
            rclpy.spin_once(self.node, timeout_sec=0.1)
        for subscription in subscriptions:
            self.node.destroy_subscription(subscription)
        return found

    def embedding(self):
        """Publish one and wait until most are refused; their numbers tell refusals apart."""
        make = not_numbers if self.said["Embedding"] % NOT_NUMBERS_EVERY == 0 else spoiled
        message = make(self.reals[Embedding], self.rng)
        self.said["Embedding"] += 1
        message.request_id = self.said["Embedding"]
        self.publishers[Embedding].publish(message)
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            rclpy.spin_once(self.node, timeout_sec=0.01)
            if self.said["Embedding"] - self.said["refused"] < MOST_UNREFUSED:
                return

    def other(self, name):
        """Publish a spoiled trace or answer, or a torn message of any kind."""
        kinds = {kind.__name__: kind for kind in TOPICS}
        kind = kinds.get(name) or self.rng.choice(list(TOPICS))
        make = spoiled if name in kinds else torn
        self.publishers[kind].publish(make(self.reals[kind], self.rng))
        self.said[name] += 1

    def _on_result(self, answer):
        ours = answer.request_id <= self.said["Embedding"]
        self.said["refused"] += ours and answer.status in (Answer.REFUSED, Answer.FAILED)


def main(rng, count):
    rclpy.init()
    wild = Wild(rclpy.create_node("wild"), rng)
    for name in islice(cycle(OTHERS), count // 2):
        wild.embedding()
        wild.other(name)
    time.sleep(LINGER_S)
    rclpy.shutdown()
    print(json.dumps({**wild.said, "large_bytes": LARGE_BYTES}))


if __name__ == "__main__":
    # The same messages every time.
    main(random.Random(int(sys.argv[1])), int(sys.argv[2]))  # noqa: S311
