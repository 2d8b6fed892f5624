# SPDX-License-Identifier: Apache-2.0
"""Keeps a robot node's prompt at one question, so that its whole stream of answers is about it.

A goal of the action ``infer`` for each image would wait three times for the robot's node between
two images (accepted, answered, asked again); the parameter makes every image of the camera carry
the question, at the full pace and under the newest plan.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.task import Future

from coinfer_ros.nodes.steady import steady_timer

# As plans are: a robot that began anew has it again within this.
AGAIN_EVERY_S = 1.0
# A call of a node that died is never answered.
ANSWER_S = 3.0


class Prompting:
    """Says a robot node's prompt again and again.

    :param robot: the node's name, in this node's namespace.
    :param text: the prompt.
    :param held: what ends it.
    :ivar problem: why the robot does not ask it; empty: it does.
    """

    def __init__(self, node: Node, robot: str, text: str, held: ExitStack) -> None:
        self._robot = robot
        self.problem = f"node {robot!r} has not taken the question yet"
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=text)
        self._request = SetParameters.Request(
            parameters=[Parameter(name="model.prompt", value=value)]
        )
        self._client = node.create_client(SetParameters, f"{robot}/set_parameters")
        held.callback(node.destroy_client, self._client)
        timer = steady_timer(node, AGAIN_EVERY_S, self._say)
        held.callback(node.destroy_timer, timer)
        self._asked: Future | None = None
        self._asked_s = 0.0
        self._say()

    def _say(self) -> None:
        now_s = time.monotonic()
        if self._asked is not None and now_s - self._asked_s < ANSWER_S:
            return
        if self._asked is not None:
            self._client.remove_pending_request(self._asked)
            self._asked, self.problem = None, f"node {self._robot!r} does not answer"
        if not self._client.service_is_ready():
            self.problem = f"node {self._robot!r} is not there to take the question"
            return
        self._asked, self._asked_s = self._client.call_async(self._request), now_s
        self._asked.add_done_callback(self._said)

    def _said(self, future: Future) -> None:
        self._asked = None
        (result,) = future.result().results
        refused = f"node {self._robot!r} refuses the question: {result.reason}"
        self.problem = "" if result.successful else refused
