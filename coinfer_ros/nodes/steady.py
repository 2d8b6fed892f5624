# SPDX-License-Identifier: Apache-2.0
"""Timers that no simulated clock stops: signs of life, leases and diagnostics are of real time."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.timer import Timer


def steady_timer(node: Node, period_s: float, callback: Callable[[], None]) -> Timer:
    """Return a timer on this machine's monotonic clock, whatever the node's ``use_sim_time``."""
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
