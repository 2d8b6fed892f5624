# SPDX-License-Identifier: Apache-2.0
"""Which robots an edge has heard lately, and what of each it has to echo."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

# A robot that was not heard for so long is no longer echoed, s.
PRESENT_S = 1.0


@dataclass
class Heard:
    """One robot, as its edge knows it.

    :param beat: its newest beat.
    :param at_s: when that came, s.
    :param request: its newest request that arrived, 0: none.
    """

    beat: int
    at_s: float
    request: int = 0


class RollCall:
    """Keeps the newest beat and request of each robot, of ``most`` robots at most.

    :param most: robots; the one that was silent longest makes room, so that a flood of names costs
        no memory.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._heard: OrderedDict[str, Heard] = OrderedDict()

    def beat(self, robot_id: str, beat: int, now_s: float) -> None:
        """Take a robot's beat."""
        known = self._heard.get(robot_id)
        self._put(robot_id, Heard(beat, now_s, known.request if known else 0))

    def request(self, robot_id: str, request_id: int, now_s: float) -> None:
        """Note that a request arrived whole."""
        known = self._heard.get(robot_id)
        beat, at_s = (known.beat, known.at_s) if known else (0, now_s)
        self._put(robot_id, Heard(beat, at_s, request_id))

    def present(self, now_s: float) -> list[tuple[str, Heard]]:
        """Return who was heard within ``PRESENT_S``, the longest silent first."""
        return [
            (robot_id, heard)
            for robot_id, heard in self._heard.items()
            if now_s - heard.at_s <= PRESENT_S
        ]

    def _put(self, robot_id: str, heard: Heard) -> None:
        self._heard[robot_id] = heard
        self._heard.move_to_end(robot_id)
        while len(self._heard) > self._most:
            self._heard.popitem(last=False)
