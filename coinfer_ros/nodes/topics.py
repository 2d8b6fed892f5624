# SPDX-License-Identifier: Apache-2.0
"""The names of the topics that cross hosts: each edge's under its own name.

What a robot has for itself (image, answer, trace, plan) is relative to its namespace.
"""

from __future__ import annotations

import re

from coinfer_ros.core.errors import InvalidInput

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")


def of_edge(edge: str, topic: str) -> str:
    """Return an edge's topic: ``embedding``, ``result``, ``heartbeat``, ``robots`` or ``plan``.

    :raises InvalidInput: when the edge's name is none that ROS takes.

    >>> of_edge("edge", "heartbeat")
    '/edge/heartbeat'
    """
    if not _NAME.match(edge):
        raise InvalidInput(
            f"edge.id and link.edges must be letters, digits and underscores, a letter first, "
            f"got {edge!r}"
        )
    return f"/{edge}/{topic}"


def device_state(edge: str) -> str:
    """Return the topic of the states of an edge's device node, which is named after the edge."""
    return of_edge(f"{edge}_device", "state")
