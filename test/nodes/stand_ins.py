# SPDX-License-Identifier: Apache-2.0
"""Edges that are no edge nodes."""

from __future__ import annotations

from coinfer_ros.msg import EdgeState, RobotState

from coinfer_ros import locate
from coinfer_ros.adapters import models
from coinfer_ros.nodes import qos
from coinfer_ros.parameters import DEFAULT_MODEL


def mute_edge(node):
    """Be an edge that is alive and ready and never answers."""
    info = models.describe(locate.model(DEFAULT_MODEL))
    tokens, channels = info.embedding_shape
    state = EdgeState(
        schema=RobotState.SCHEMA,
        edge="edge",
        life=1,
        ready=True,
        model_fingerprint=info.fingerprint,
        cuts=[info.cut],
        tokens=[tokens],
        channels=[channels],
    )
    publisher = node.create_publisher(EdgeState, "/edge/heartbeat", qos.BEAT)
    return node.create_timer(0.1, lambda: publisher.publish(state))
