# SPDX-License-Identifier: Apache-2.0
"""The topics between robots and one edge's host, and their names behind an impaired link."""

from __future__ import annotations

OF_EDGE = ("embedding", "robots", "plan", "result", "heartbeat")


def crossing(edge: str) -> tuple[str, ...]:
    """Return the full names of all topics that cross between robots and this edge's host.

    >>> crossing("edge")[-2:]
    ('/edge/heartbeat', '/edge_device/state')
    """
    return (*(f"/{edge}/{topic}" for topic in OF_EDGE), f"/{edge}_device/state")


def behind_link(topic: str) -> str:
    """Return the name that a topic has on the edge's side of an impaired link.

    >>> behind_link("/edge/embedding")
    '/behind_link/edge/embedding'
    """
    return f"/behind_link{topic}"
