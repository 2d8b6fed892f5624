# SPDX-License-Identifier: Apache-2.0
"""Node ``recorder``: the system's messages as JSON lines on stdout and in a bag.

It is how a program without ROS (the demo, a script) watches and tunes the graph: every message is
one line ``{"topic": ..., "at_s": ..., "message": {...}}``, NaN as null; a line
``{"set": "/controller", "parameters": {"budget.delay_s": 0.2}}`` on stdin sets parameters, all or
none, and is answered by a line with topic ``set``.
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image

from coinfer_ros import resources
from coinfer_ros.adapters.bag import Bag
from coinfer_ros.core.errors import CoinferError
from coinfer_ros.msg import Answer, Basis, Costs, DeviceState, Plan, Trace
from coinfer_ros.nodes import qos
from coinfer_ros.nodes.base import CoinferNode, run
from coinfer_ros.nodes.convert import image_to_rgb
from coinfer_ros.parameters import RecorderSettings

TOPICS = (
    ("costs", Costs, qos.PLANS),
    ("basis", Basis, qos.PLANS),
    ("plan", Plan, qos.PLANS),
    ("answer", Answer, qos.ANSWER),
    ("trace", Trace, qos.TRACE),
    ("robot_device/state", DeviceState, qos.SENSOR),
    ("edge_device/state", DeviceState, qos.SENSOR),
)
THUMBNAIL_SIDE = 20  # even; two rows a line of text, so that the view fits 24 lines
THUMBNAIL_EVERY_S = 0.2


class RecorderNode(CoinferNode[RecorderSettings]):
    """Watches every topic but the tensors."""

    kind = RecorderSettings

    def activate(self) -> None:
        """Open the bag and subscribe."""
        self._bag: Bag | None = None
        if self.settings.bag:
            self._bag = Bag(Path(self.settings.bag), resources.path("msg"))
            self.active.callback(self._bag.close)
        for topic, kind, profile in TOPICS:
            self._watch(topic, kind, profile)
        self._last_thumbnail_s = 0.0
        diagnostics = self.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, 10
        )
        images = self.create_subscription(Image, "image", self._on_image, qos.SENSOR)
        for subscription in (diagnostics, images):
            self.active.callback(lambda s=subscription: self.destroy_subscription(s))
        threading.Thread(target=self._read_commands, daemon=True).start()

    def _watch(self, topic: str, kind: type, profile: Any) -> None:
        name = f"coinfer_ros/msg/{kind.__name__}"
        full = self.resolve_topic_name(topic)

        def receive(data: bytes) -> None:
            if self._bag is not None:
                self._bag.write(full, name, time.time_ns(), data)
            self._say(topic, message_to_dict(deserialize_message(data, kind)))

        subscription = self.create_subscription(kind, topic, receive, profile, raw=True)
        self.active.callback(lambda: self.destroy_subscription(subscription))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            self._say("diagnostics", {"name": status.name, "message": status.message, **values})

    def _on_image(self, message: Image) -> None:
        now_s = time.monotonic()
        if now_s - self._last_thumbnail_s < THUMBNAIL_EVERY_S:
            return
        self._last_thumbnail_s = now_s
        try:
            pixels = image_to_rgb(message)
        except CoinferError:
            return  # the robot node says what is wrong with it
        rows = np.linspace(0, pixels.shape[0] - 1, THUMBNAIL_SIDE).astype(int)
        columns = np.linspace(0, pixels.shape[1] - 1, THUMBNAIL_SIDE).astype(int)
        self._say("thumbnail", {"rgb": pixels[np.ix_(rows, columns)].tobytes().hex()})

    def _read_commands(self) -> None:
        for line in sys.stdin:
            try:
                command = json.loads(line)
                self._set(command["set"], command["parameters"])
            except (ValueError, KeyError, TypeError) as error:
                self._say("set", {"done": False, "reason": f"not a command: {error!r}"})

    def _set(self, node: str, parameters: dict[str, Any]) -> None:
        client = self.create_client(SetParametersAtomically, f"{node}/set_parameters_atomically")
        request = SetParametersAtomically.Request(
            parameters=[
                Parameter(name, value=v).to_parameter_msg() for name, v in parameters.items()
            ]
        )

        def done(future: Any) -> None:
            result = future.result().result
            self._say(
                "set",
                {"done": result.successful, "reason": result.reason, "parameters": parameters},
            )
            self.destroy_client(client)

        if client.wait_for_service(timeout_sec=2.0):
            client.call_async(request).add_done_callback(done)
        else:
            self._say("set", {"done": False, "reason": f"{node} does not answer"})

    def _say(self, topic: str, message: dict[str, Any]) -> None:
        line = json.dumps({"topic": topic, "at_s": time.monotonic(), "message": message})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def message_to_dict(message: Any) -> dict[str, Any]:
    """Return a message's fields as JSON values; NaN and infinity become None."""
    return {name: _value(getattr(message, name)) for name in message.get_fields_and_field_types()}


def _value(value: Any) -> Any:
    if hasattr(value, "get_fields_and_field_types"):
        return message_to_dict(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (str, int)):
        return value
    return [_value(item) for item in value]


def main() -> None:
    """Run the node."""
    run(RecorderNode, "recorder")
