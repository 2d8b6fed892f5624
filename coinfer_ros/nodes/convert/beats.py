# SPDX-License-Identifier: Apache-2.0
"""An edge's heartbeat, as one robot reads it."""

from __future__ import annotations

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import EdgeBeat
from coinfer_ros.core.planning import Cut
from coinfer_ros.core.wire import size_bytes
from coinfer_ros.msg import EdgeState, RobotState
from coinfer_ros.nodes.convert.texts import LONGEST_REASON


def message_to_beat(state: EdgeState, robot_id: str) -> EdgeBeat:
    """Read an edge's heartbeat as one robot's.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    if state.schema != RobotState.SCHEMA:
        raise InvalidInput(
            f"schema must be {RobotState.SCHEMA}: the edge runs another version of this package, "
            f"got {state.schema}"
        )
    count = len(state.robots)
    for name in ("beats", "held_s", "requests"):
        if len(getattr(state, name)) != count:
            raise InvalidInput(
                f"{name} must be one a robot, {count}, got {len(getattr(state, name))}"
            )
    reason = state.reason[:LONGEST_REASON]
    if robot_id not in state.robots:
        return EdgeBeat(state.life, state.ready, reason)
    place = state.robots.index(robot_id)
    return EdgeBeat(
        state.life,
        state.ready,
        reason,
        beat=state.beats[place],
        held_s=state.held_s[place],
        request=state.requests[place],
    )


def message_to_cuts(state: EdgeState) -> tuple[Cut, ...]:
    """Read what crosses each of an edge's cuts.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    count = len(state.cuts)
    if not count == len(state.tokens) == len(state.channels):
        raise InvalidInput(
            f"tokens and channels must be one a cut, {count}, got {len(state.tokens)} and "
            f"{len(state.channels)}"
        )
    shapes = zip(state.cuts, state.tokens, state.channels, strict=True)
    found = tuple(Cut(name, (tokens, channels)) for name, tokens, channels in shapes)
    for cut in found:
        size_bytes(cut.shape, 32)  # a shape that can be sent
    return found
