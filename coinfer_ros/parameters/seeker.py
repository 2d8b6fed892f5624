# SPDX-License-Identifier: Apache-2.0
"""Parameters of the seeker node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import AUTOSTART


@dataclass(frozen=True)
class SeekerSettings:
    """Parameters of the seeker node."""

    autostart: bool = setting(*AUTOSTART)
    thing: str = setting(
        "task.object", "red cube", "What to find: a colour and a shape that the model was taught."
    )
    lookouts: str = setting(
        "task.lookouts",
        "",
        "Places to search from, one after another, m by odometry, such as '0 0, 3.7 0', or those "
        "of a room by its name (one_room, two_rooms, random and its seed); empty: only from where "
        "it stands.",
    )
    robot_node: str = setting(
        "robot.node", "robot", "Robot node whose model.prompt is to be the task's question."
    )
    search_rad_s: float = setting(
        "drive.search_rad_s",
        0.9,
        "Turning speed while nothing is seen, rad/s.",
        low=0.01,
        high=5.0,
        live=True,
    )
    steer_rad_s: float = setting(
        "drive.steer_rad_s",
        0.5,
        "Turning speed towards what is seen, rad/s.",
        low=0.01,
        high=5.0,
        live=True,
    )
    forward_m_s: float = setting(
        "drive.forward_m_s",
        0.5,
        "Speed towards what is seen, m/s.",
        low=0.01,
        high=3.0,
        live=True,
    )
    stale_s: float = setting(
        "drive.stale_s",
        2.0,
        "Answers about images older than this, ROS time, are not acted on, s.",
        low=0.05,
        high=60.0,
        live=True,
    )
    lost_after: int = setting(
        "drive.lost_after",
        3,
        "So many answers in a row without the thing begin the search anew.",
        low=1,
        high=100,
        live=True,
    )
    confirmations: int = setting(
        "drive.confirmations",
        2,
        "So many answers, standing still, that the thing is near and ahead: it is found.",
        low=1,
        high=100,
        live=True,
    )
