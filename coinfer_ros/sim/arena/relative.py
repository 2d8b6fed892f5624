# SPDX-License-Identifier: Apache-2.0
"""Places as a robot counts them whose odometry begins where it starts."""

from __future__ import annotations

import math

from coinfer_ros.sim.arena.arena import Pose


def seen_from(origin: Pose, place: Pose) -> Pose:
    """Return a pose of the room in the frame of another.

    :param origin: where that frame lies in the room, its heading along its x.

    >>> behind = seen_from(Pose(1.0, 0.0, math.pi), Pose(3.0, 0.5, math.pi))
    >>> round(behind.x_m, 6), round(behind.y_m, 6), behind.heading_rad
    (-2.0, -0.5, 0.0)
    """
    x_m, y_m = place.x_m - origin.x_m, place.y_m - origin.y_m
    cos, sin = math.cos(origin.heading_rad), math.sin(origin.heading_rad)
    return Pose(
        cos * x_m + sin * y_m, cos * y_m - sin * x_m, place.heading_rad - origin.heading_rad
    )
