# SPDX-License-Identifier: Apache-2.0
"""Program: keeps sending the newest plan that it has heard, once the controller is gone.

A line on stdin begins it; the end of stdin ends the program.
"""

from __future__ import annotations

import sys
import threading

import rclpy
from coinfer_ros.msg import Plan

from coinfer_ros.nodes import qos, topics

RENEWALS_A_SECOND = 5.0
TICK_S = 0.05


def main() -> None:
    """Hold the plan."""
    rclpy.init()
    node = rclpy.create_node("frozen_plan")
    asked, ended = threading.Event(), threading.Event()
    newest: dict[str, Plan] = {}

    def keep(plan: Plan) -> None:
        if not asked.is_set():  # afterwards it hears itself
            newest["plan"] = plan

    node.create_subscription(Plan, "plan", keep, qos.PLAN)
    publishers = [
        node.create_publisher(Plan, topic, qos.PLAN)
        for topic in ("plan", topics.of_edge("edge", "plan"))
    ]

    def renew() -> None:
        if asked.is_set() and newest:
            for publisher in publishers:
                publisher.publish(newest["plan"])

    node.create_timer(1.0 / RENEWALS_A_SECOND, renew)

    def follow() -> None:
        for _ in sys.stdin:
            asked.set()
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    while not ended.is_set():
        rclpy.spin_once(node, timeout_sec=TICK_S)
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
