# SPDX-License-Identifier: Apache-2.0
"""Program at either end of a round trip: ``ask`` sends payloads, ``echo`` answers each.

``round_trip.py ask BYTES...`` says ``met``, then a JSON line for each size: ``seconds``, one a
round and null for a lost one, ``came_s``, when answers came, and ``publish_s``, the longest that
sending took.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import NoReturn

import rclpy
from coinfer_ros.msg import Embedding
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from coinfer_ros.nodes import qos

THERE, BACK = "round_trip/there", "round_trip/back"
MEET_S = 30.0
OFFER_S = 0.5


class Asker:
    """Sends one payload after another and takes the answers."""

    def __init__(self, node: Node, *, whole: bool) -> None:
        self._node, self._whole = node, whole
        self._newest: Embedding | None = None
        self._sent = 0
        self._publisher = node.create_publisher(Embedding, THERE, qos.TENSOR)
        node.create_subscription(Embedding, BACK, self._on_answer, qos.TENSOR)
        self.publish_s = 0.0

    def ask(self, size: int, longest_s: float) -> float | None:
        """Return after how many seconds the answer came, None when it did not.

        :raises ValueError: when the payload came back changed.
        """
        self._sent += 1
        # Anew every time: nothing on the way can have kept the last one.
        payload = os.urandom(size) if self._whole else os.urandom(1) * size
        message = Embedding(request_id=self._sent, data=payload)
        begun_s = time.monotonic()
        self._publisher.publish(message)
        self.publish_s = max(self.publish_s, time.monotonic() - begun_s)
        while (left_s := begun_s + longest_s - time.monotonic()) > 0.0:
            rclpy.spin_once(self._node, timeout_sec=left_s)
            if self._newest is not None and self._newest.request_id == self._sent:
                seconds = time.monotonic() - begun_s
                if self._whole and bytes(self._newest.data) != payload:
                    raise ValueError(f"{size} bytes must come back as they went, got others")
                return seconds
        return None

    def _on_answer(self, answer: Embedding) -> None:
        self._newest = answer


def ask(node: Node, given: argparse.Namespace) -> int:
    """Meet the other end, then measure every size."""
    asker = Asker(node, whole=given.whole)
    met_by_s = time.monotonic() + MEET_S
    while asker.ask(64, OFFER_S) is None:
        if time.monotonic() > met_by_s:
            sys.stderr.write(f"no echo within {MEET_S:g} s\n")
            return 1
    print("met", flush=True)
    for size in given.bytes:
        asker.publish_s = 0.0
        begun_s, seconds, came_s = time.monotonic(), [], []
        while len(seconds) < given.rounds and time.monotonic() - begun_s < given.most_s:
            seconds.append(asker.ask(size, given.longest_s))
            if seconds[-1] is not None:
                came_s.append(time.monotonic())
            time.sleep(given.pause_s)
        print(json.dumps({"seconds": seconds, "came_s": came_s, "publish_s": asker.publish_s}))
    return 0


def echo(node: Node, *, whole: bool) -> NoReturn:
    """Answer until killed: with the payload where ``whole``, else with its number alone."""
    publisher = node.create_publisher(Embedding, BACK, qos.TENSOR)

    def answer(message: Embedding) -> None:
        data = message.data if whole else b""
        publisher.publish(Embedding(request_id=message.request_id, data=data))

    node.create_subscription(Embedding, THERE, answer, qos.TENSOR)
    while True:
        rclpy.spin_once(node)


def main(arguments: Sequence[str]) -> int:
    """Run one end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("ask", "echo"))
    parser.add_argument("bytes", type=int, nargs="*")
    parser.add_argument("--rounds", type=int, default=1, help="of each size, at most")
    parser.add_argument("--longest-s", type=float, default=20.0, help="for one answer, s")
    parser.add_argument("--most-s", type=float, default=60.0, help="for the rounds of a size, s")
    parser.add_argument("--pause-s", type=float, default=0.0, help="between two rounds, s")
    parser.add_argument("--whole", action="store_true", help="send payloads back and compare them")
    given = parser.parse_args(arguments)
    # A signal ends it at once: rclpy's own shutdown hung one time in six.
    rclpy.init(
        args=["--ros-args", "--disable-external-lib-logs"],
        signal_handler_options=SignalHandlerOptions.NO,
    )
    node = Node(f"round_trip_{given.role}", start_parameter_services=False, enable_rosout=False)
    return ask(node, given) if given.role == "ask" else echo(node, whole=given.whole)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
