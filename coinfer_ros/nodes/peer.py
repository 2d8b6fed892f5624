# SPDX-License-Identifier: Apache-2.0
"""Program that measures how soon two processes find each other, or lists the nodes that are there.

``python -m coinfer_ros.nodes.peer first`` and ``... peer second`` at once each print one JSON line:
after how many seconds it was matched with its twin, and had a first message of it; null where that
did not happen in time. ``... peer look`` listens for as long and prints who is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from std_msgs.msg import Bool

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

TWINS = {"first": "second", "second": "first"}
LOOK = "look"
TICK_S = 0.01
# A publisher that goes at once may take its last message, which the twin waits for, with it.
LINGER_S = 0.2
QOS = QoSProfile(depth=1)


class Peer:
    """One of two twins, each of which publishes whether it has heard the other.

    :ivar matched_s: from its start until each had found the other's ends, s; None: not yet.
    :ivar heard_s: from its start until the first message, s; None: not yet.
    :ivar is_heard: whether the twin says that it has heard this one.
    """

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._begun_s = time.monotonic()
        self.matched_s: float | None = None
        self.heard_s: float | None = None
        self.is_heard = False
        self._theirs = f"coinfer_peer/{TWINS[name]}"
        self._publisher = node.create_publisher(Bool, f"coinfer_peer/{name}", QOS)
        node.create_subscription(Bool, self._theirs, self._on_message, QOS)
        node.create_timer(TICK_S, self._tick)

    def _tick(self) -> None:
        readers = self._publisher.get_subscription_count()
        if self.matched_s is None and readers and self._node.count_publishers(self._theirs):
            self.matched_s = time.monotonic() - self._begun_s
        self._publisher.publish(Bool(data=self.heard_s is not None))

    def _on_message(self, message: Bool) -> None:
        if self.heard_s is None:
            self.heard_s = time.monotonic() - self._begun_s
        self.is_heard = self.is_heard or message.data


def meet(node: Node, name: str, timeout_s: float) -> dict[str, object]:
    """Wait for the twin; return seconds, None where they were not enough."""
    peer = Peer(node, name)
    if _spin(node, timeout_s, until=lambda: peer.heard_s is not None and peer.is_heard):
        _spin(node, LINGER_S, until=lambda: False)
    return {"matched_s": peer.matched_s, "first_message_s": peer.heard_s}


def look(node: Node, timeout_s: float) -> dict[str, object]:
    """Listen; return the full names of all nodes but this one, one that is there twice twice."""
    _spin(node, timeout_s, until=lambda: False)
    names = [f"{space.rstrip('/')}/{name}" for name, space in node.get_node_names_and_namespaces()]
    return {"nodes": sorted(name for name in names if name != node.get_fully_qualified_name())}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one twin, or look, on the domain of the environment; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=(*TWINS, LOOK))
    parser.add_argument("--timeout-s", type=float, default=5.0, help="how long to wait, s")
    asked = parser.parse_args(argv)
    try:
        checks.number("--timeout-s", asked.timeout_s, low=0.01, high=60.0, unit="s")
    except InvalidInput as error:
        parser.error(str(error))
    rclpy.init(args=["--ros-args", "--disable-external-lib-logs"])
    try:
        # Without services and log topic there is little else to discover.
        node = Node(f"coinfer_{asked.role}", start_parameter_services=False, enable_rosout=False)
        if asked.role == LOOK:
            found = look(node, asked.timeout_s)
        else:
            found = meet(node, asked.role, asked.timeout_s)
        print(json.dumps({"rmw": rclpy.get_rmw_implementation_identifier(), **found}))
    finally:
        rclpy.try_shutdown()
    return 0


def _spin(node: Node, seconds: float, *, until: Callable[[], bool]) -> bool:
    """Serve the node until ``until()`` holds; False when the time was over before."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        rclpy.spin_once(node, timeout_sec=TICK_S)
        if until():
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
