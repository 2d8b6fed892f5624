# SPDX-License-Identifier: Apache-2.0
"""Program: what rclpy alone costs a node that publishes empty states and its diagnostics."""

from __future__ import annotations

import rclpy
from coinfer_ros.msg import DeviceState
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.experimental.events_executor import EventsExecutor
from rclpy.lifecycle import LifecycleNode
from rclpy.signals import SignalHandlerOptions

NAME = "bare_rclpy"
LONGEST_WAIT_S = 0.2


def main() -> None:
    """Publish ten states a second and one array of diagnostics, as a device node does."""
    # rclpy's own handler would let the executor spin on after SIGTERM.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = LifecycleNode(NAME)
    states = node.create_publisher(DeviceState, "~/state", 1)
    diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
    node.create_timer(0.1, lambda: states.publish(DeviceState()))
    node.create_timer(1.0, lambda: diagnostics.publish(DiagnosticArray()))
    executor = EventsExecutor()
    executor.add_node(node)
    while True:  # as the nodes do; its own spin never rests
        executor.spin_once(timeout_sec=LONGEST_WAIT_S)


if __name__ == "__main__":
    main()
