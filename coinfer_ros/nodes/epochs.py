# SPDX-License-Identifier: Apache-2.0
"""Tells what is of now from what was before a simulated clock began anew."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar

from builtin_interfaces.msg import Time
from rclpy.clock import ClockChange, JumpThreshold, ROSClock, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node

# An image may overtake the clock's message of its own moment. One that is ahead by more is of an
# earlier epoch; no simulator tells its time less than once a second.
MOST_AHEAD_S = 1.0
M = TypeVar("M")


class Epochs:
    """Counts how often a node's clock jumped back; without ``use_sim_time`` it never does.

    :param node: whose clock it is; its executor calls back.
    :param began: called at each jump, before it is counted.
    :param held: what ends this.
    :ivar number: of the epoch that is now.
    :ivar left_out: messages of earlier epochs that came late.
    """

    def __init__(self, node: Node, *, began: Callable[[], None], held: ExitStack) -> None:
        self._clock: ROSClock = node.get_clock()
        self._log, self._began = node.get_logger(), began
        self.number, self.left_out, self._last = 0, 0, ""
        threshold = JumpThreshold(min_forward=None, min_backward=Duration(nanoseconds=-1))
        jumps = self._clock.create_jump_callback(threshold, post_callback=self._on_jump)
        held.callback(jumps.unregister)

    def over(self, number: int) -> str:
        """Return why the epoch of this number is over; empty: it is not."""
        return "" if number == self.number else self._last

    def of_now(self, take: Callable[[M], None], stamp: Callable[[M], Time]) -> Callable[[M], None]:
        """Return a callback that leaves out what is of an earlier epoch and came late.

        :param stamp: returns when a message's image was taken.
        """

        def take_if_of_now(message: M) -> None:
            now_s = self._clock.now().nanoseconds * 1e-9
            ahead = seconds(stamp(message)) > now_s + MOST_AHEAD_S
            if ahead and self._clock.ros_time_is_active:  # two machines' real clocks may differ
                self.left_out += 1
            else:
                take(message)

        return take_if_of_now

    def _on_jump(self, jump: TimeJump) -> None:
        if jump.clock_change == ClockChange.ROS_TIME_NO_CHANGE:
            self._last = f"the clock jumped back by {-jump.delta.nanoseconds * 1e-9:.3f} s"
        else:
            self._last = "use_sim_time was changed"
        self._log.info(f"{self._last}: begun anew", throttle_duration_sec=1.0)
        self._began()
        self.number += 1


def seconds(stamp: Time) -> float:
    """Return a stamp as ROS time, s."""
    return float(stamp.sec + stamp.nanosec * 1e-9)


def of_header(message: Any) -> Time:
    """Return the stamp of a message with a header."""
    return message.header.stamp
