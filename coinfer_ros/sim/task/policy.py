# SPDX-License-Identifier: Apache-2.0
"""Drives by what the model says: turns until the thing is seen, then goes to it.

The policy believes each answer until the next one and knows nothing of where the thing is but
that: what an answer is worth depends on how right it is and on how old it is, and on nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from coinfer_ros.core import checks
from coinfer_ros.sim.arena.arena import Pose
from coinfer_ros.sim.arena.sight import Sight


@dataclass(frozen=True)
class Manners:
    """How the robot drives.

    :param search_rad_s: turning speed while nothing is seen.
    :param steer_rad_s: turning speed towards what is seen.
    :param forward_m_s: speed towards what is seen.
    :param stale_s: answers about images older than this are not acted on: the robot stands still.
    :param lost_after: so many answers one after another without the thing begin the search anew.
    :param confirmations: so many answers, standing still, that the thing is near and ahead are
        needed to call it found.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    search_rad_s: float = 0.9
    steer_rad_s: float = 0.5
    forward_m_s: float = 0.5
    stale_s: float = 2.0
    lost_after: int = 3
    confirmations: int = 2

    def __post_init__(self) -> None:
        for name in ("search_rad_s", "steer_rad_s"):
            checks.number(name, getattr(self, name), above=0.0, high=5.0, unit="rad/s")
        checks.number("forward_m_s", self.forward_m_s, above=0.0, high=3.0, unit="m/s")
        checks.number("stale_s", self.stale_s, above=0.0, high=60.0, unit="s")
        checks.whole("lost_after", self.lost_after, low=1, high=100)
        checks.whole("confirmations", self.confirmations, low=1, high=100)


class Phase(Enum):
    """What the robot is about."""

    SEARCH = "search"  # turns on the spot
    TRAVEL = "travel"  # goes to the next lookout
    APPROACH = "approach"  # steers by the answers
    CONFIRM = "confirm"  # stands still before the thing
    FOUND = "found"


@dataclass(frozen=True)
class Drive:
    """What the wheels are asked for."""

    forward_m_s: float = 0.0
    turn_rad_s: float = 0.0


STILL = Drive()
ARRIVED_M, ALIGNED_RAD = 0.15, 0.15  # of a lookout


class Seeker:
    """The policy of one search, a state machine without a clock of its own.

    :param manners: how it drives.
    :param lookouts: places (x, y) to search from, one after another, m, by odometry; none: only
        from where it stands.
    """

    def __init__(self, manners: Manners, lookouts: tuple[tuple[float, float], ...] = ()) -> None:
        self.manners = manners
        self._lookouts, self._next = lookouts, 0
        self.phase = Phase.SEARCH
        self.stale, self.answers, self.unread = 0, 0, 0
        self._sight: Sight | None = None
        self._sign = 1.0  # of the turn: towards where the thing was seen last
        self._missed, self._confirmed, self._image_s = 0, 0, -math.inf
        self._still_since_s = math.inf
        self._turned_rad, self._heading_rad = 0.0, math.nan

    def hear(self, sight: Sight | None, *, image_s: float, now_s: float) -> None:
        """Take an answer about an image.

        :param sight: what the model said; None for words that are no answer: counted, not followed.
        :param image_s: when the image was taken; one older than an earlier one's is left out.
        :param now_s: on the same clock.
        """
        self.answers += 1
        if sight is None:
            self.unread += 1
            return
        if image_s <= self._image_s or self.phase is Phase.FOUND:
            return
        self._image_s = image_s
        if now_s - image_s > self.manners.stale_s:
            self.stale += 1
            return
        self._sight = sight
        if sight.seen:
            self._missed = 0
            self._sign = {"left": 1.0, "right": -1.0}.get(sight.direction, self._sign)
            self._see(sight, image_s)
        else:
            self._missed += 1
            if self.phase in (Phase.APPROACH, Phase.CONFIRM):
                self._confirmed = 0
                if self._missed >= self.manners.lost_after:
                    self._search()

    def drive(self, odometry: Pose, now_s: float) -> Drive:
        """Return what to do now.

        :param odometry: where the wheels say that it is.
        """
        self._turn_counted(odometry)
        drive = self._wanted(odometry, now_s)
        still = drive == STILL
        self._still_since_s = min(self._still_since_s, now_s) if still else math.inf
        return drive

    def _see(self, sight: Sight, image_s: float) -> None:
        at_it = sight.direction == "centre" and sight.distance == "near"
        if self.phase is Phase.CONFIRM and at_it:
            # Only an image that was taken standing still tells where the robot has come to.
            self._confirmed += image_s >= self._still_since_s
            if self._confirmed >= self.manners.confirmations:
                self.phase = Phase.FOUND
            return
        self.phase = Phase.CONFIRM if at_it else Phase.APPROACH
        self._confirmed = 0

    def _search(self) -> None:
        self.phase, self._turned_rad, self._sight = Phase.SEARCH, 0.0, None

    def _wanted(self, odometry: Pose, now_s: float) -> Drive:
        manners = self.manners
        if self.phase in (Phase.FOUND, Phase.CONFIRM) or self._image_s == -math.inf:
            return STILL
        if now_s - self._image_s > manners.stale_s:
            return STILL  # blind: nothing that it knows is recent
        if self.phase is Phase.SEARCH and abs(self._turned_rad) > 2.0 * math.pi:
            self._look_elsewhere()
        if self.phase is Phase.TRAVEL:
            return self._towards(self._lookouts[self._next], odometry)
        if self.phase is Phase.SEARCH or self._sight is None:
            return Drive(turn_rad_s=self._sign * manners.search_rad_s)
        return self._approach(self._sight)

    def _approach(self, sight: Sight) -> Drive:
        manners = self.manners
        if not sight.seen:
            return Drive(turn_rad_s=self._sign * manners.steer_rad_s)
        if sight.direction == "centre":
            return Drive(manners.forward_m_s)
        forward_m_s = manners.forward_m_s / 2 if sight.distance == "far" else 0.0
        return Drive(forward_m_s, self._sign * manners.steer_rad_s)

    def _look_elsewhere(self) -> None:
        self._turned_rad = 0.0
        if len(self._lookouts) > 1:
            self._next = (self._next + 1) % len(self._lookouts)
            self.phase = Phase.TRAVEL

    def _towards(self, place: tuple[float, float], odometry: Pose) -> Drive:
        away_m = math.hypot(place[0] - odometry.x_m, place[1] - odometry.y_m)
        if away_m < ARRIVED_M:
            self._search()
            return STILL
        towards = math.atan2(place[1] - odometry.y_m, place[0] - odometry.x_m)
        off_rad = math.remainder(towards - odometry.heading_rad, 2.0 * math.pi)
        turn = max(-1.0, min(1.0, 2.0 * off_rad)) * self.manners.search_rad_s
        forward_m_s = self.manners.forward_m_s if abs(off_rad) < ALIGNED_RAD else 0.0
        return Drive(forward_m_s, turn)

    def _turn_counted(self, odometry: Pose) -> None:
        if self.phase is Phase.SEARCH and not math.isnan(self._heading_rad):
            turned = odometry.heading_rad - self._heading_rad
            self._turned_rad += math.remainder(turned, 2.0 * math.pi)
        self._heading_rad = odometry.heading_rad
